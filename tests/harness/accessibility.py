"""What keeps somebody from using a page: an expression for a browser, which lists it as sentences.

It asks for what WCAG 2.2, level AA, asks of pages like ours: names and labels, headings in order, landmarks, one use of
each id, contrast of 4.5 to 1 (3 to 1 for large text), targets of 24 pixels, a language and a title.
"""

PROBLEMS = r"""
() => {
  const problems = [];
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const all = (query) => [...document.querySelectorAll(query)].filter(shown);
  const says = (node) => `${node.tagName.toLowerCase()} "${(node.textContent || node.name || "").trim().slice(0, 40)}"`;
  const named = (node) => (node.getAttribute("aria-label") || node.textContent || "").trim();
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) problems.push(`the id ${id} is used twice`);
  if (!document.documentElement.lang) problems.push("the page has no language");
  if (!document.title.trim()) problems.push("the page has no title");
  if (document.querySelectorAll("main").length !== 1) problems.push("there is not one main landmark");
  if (document.querySelectorAll("h1").length !== 1) problems.push("there is not one heading of the first level");
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) problems.push(`${says(heading)} skips a level`);
    level = own;
  }
  for (const node of all("a, button, summary")) if (!named(node)) problems.push(`${says(node)} has no name`);
  for (const node of all("input:not([type=hidden]), select, textarea")) {
    const label = node.labels?.length || node.getAttribute("aria-label");
    if (!label) problems.push(`the field ${node.name} has no label`);
  }
  for (const node of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const names = `${node.getAttribute("aria-labelledby") || ""} ${node.getAttribute("aria-describedby") || ""}`;
    for (const id of names.split(" ").filter(Boolean)) {
      if (!document.getElementById(id)) problems.push(`${says(node)} refers to ${id}, which is not there`);
    }
  }
  for (const node of all("nav")) if (!node.getAttribute("aria-label")) problems.push("a nav has no name");
  for (const node of all("svg")) {
    if (node.getAttribute("role") !== "img" || !node.querySelector("title")) problems.push("a picture has no title");
  }
  for (const node of all("table")) {
    if (!node.caption) problems.push("a table has no caption");
    const loose = [...node.querySelectorAll("th")].filter((head) => !head.scope);
    if (loose.length) problems.push("a heading of a table has no scope");
  }
  for (const node of all("button, select, summary, input:not([type=hidden]):not([type=checkbox])")) {
    if (node.getBoundingClientRect().height < 24) problems.push(`${says(node)} is too small to be hit`);
  }
  for (const node of document.querySelectorAll("*")) {
    if (node.tabIndex > 0) problems.push(`${says(node)} changes the order of the keyboard`);
  }
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return { parts: [red, green, blue], alpha };
  };
  const light = ({ parts }) => {
    const [red, green, blue] = parts.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (node) => {
    const box = node.closest("g.state")?.querySelector(".box");
    if (box) return colour(getComputedStyle(box).fill);
    for (let one = node; one; one = one.parentElement) {
      const found = colour(getComputedStyle(one).backgroundColor);
      if (found.alpha === 255) return found;
    }
    return colour("white");
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const unseen = ["title", "option", "meter"].includes(node.tagName.toLowerCase());
    if (!walker.currentNode.data.trim() || !shown(node) || unseen) continue;
    const style = getComputedStyle(node);
    const ink = colour(node instanceof SVGElement ? style.fill : style.color);
    const [one, other] = [light(ink), light(behind(node))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < (large ? 3 : 4.5)) problems.push(`${says(node)} has a contrast of ${ratio.toFixed(2)}`);
  }
  return [...new Set(problems)];
}
"""
# The elements that the keyboard reaches.
FOCUSABLE = """
() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary, [tabindex='0']")]
  .filter((node) => node.checkVisibility()).length
"""
# What has the focus: its place among all elements, and whether that is seen.
FOCUSED = """
() => {
  const node = document.activeElement;
  const style = getComputedStyle(node);
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return [[...document.querySelectorAll("*")].indexOf(node), seen];
}
"""
