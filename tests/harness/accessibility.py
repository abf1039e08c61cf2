"""What keeps somebody from using a page: what axe-core finds, and what it does not look for."""

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

# WCAG 2.2, level AA, and what axe-core calls best practices. Its rule on ids that stand twice is off by itself.
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"duplicate-id": {"enabled": True}},
    "resultTypes": ["violations", "incomplete"],
}
# What it found, and what it could not decide, except about texts in pictures: it does not know what is behind them.
AXE = """
async (rules) => {
  const { violations, incomplete } = await axe.run(rules);
  const unknown = ({ id }, { html }) => id === "color-contrast" && html.startsWith("<text");
  return [...violations, ...incomplete].flatMap((rule) => rule.nodes
    .filter((node) => !unknown(rule, node))
    .map((node) => `${rule.id} (${rule.impact}), ${node.html.slice(0, 80)}: ${node.failureSummary}`));
}
"""
# Contrast of 4.5 to 1 in pictures (no text there is large), tables that say what they are, descriptions that exist.
OWN = r"""
() => {
  const problems = [];
  const says = (node) => `${node.tagName.toLowerCase()} "${(node.textContent || node.name || "").trim().slice(0, 40)}"`;
  for (const node of document.querySelectorAll("table")) {
    if (!node.caption) problems.push("a table has no caption");
    if ([...node.querySelectorAll("th")].some((head) => !head.scope)) problems.push("a heading has no scope");
  }
  for (const node of document.querySelectorAll("[aria-describedby]")) {
    const id = node.getAttribute("aria-describedby");
    if (!document.getElementById(id)) problems.push(`${says(node)} refers to ${id}, which is not there`);
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
  for (const node of document.querySelectorAll("svg text")) {
    const ink = colour(getComputedStyle(node).fill);
    const [one, other] = [light(ink), light(behind(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) problems.push(`${says(node)} has a contrast of ${ratio.toFixed(2)}`);
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


def problems(page: "Page") -> list[str]:
    """All of a page as sentences, with everything open that it hides until it is asked for."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.evaluate(_axe())
    return [*page.evaluate(AXE, RULES), *page.evaluate(OWN)]


@cache
def _axe() -> str:
    """axe-core, which comes with its wrapper. It is run without that, which has no types."""
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()
