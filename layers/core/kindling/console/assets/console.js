// A page that follows something running is read again every few seconds, and what has changed is put in its place.
(() => {
  const place = () => document.getElementById("content");
  const seconds = () => Number(place()?.dataset.live || 0);
  async function refresh() {
    if (document.hidden || document.activeElement?.closest("form, details[open]")) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("content");
    if (!answer.ok || !fresh) return location.reload();
    if (fresh.innerHTML === place().innerHTML) return;
    const focused = document.activeElement?.id;
    place().replaceWith(fresh);
    if (focused) document.getElementById(focused)?.focus();
  }
  async function follow() {
    if (!seconds()) return;
    try { await refresh(); } catch { /* The next round tries again. */ }
    setTimeout(follow, seconds() * 1000);
  }
  if (seconds()) setTimeout(follow, seconds() * 1000);
  // A form is sent once.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "1";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));
})();
