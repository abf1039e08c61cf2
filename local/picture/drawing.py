"""A landscape as SVG: rows of functions on the left, lanes of resources on the right, a dot where a row uses one."""

import textwrap
from collections.abc import Iterator
from xml.sax.saxutils import escape

from local.picture.landscape import Landscape, Lane, Row

WIDTH = 1200
RAIL = 16  # where every row reaches the table
LEFT, RIGHT = 40, 580  # the edges of a row's box
COLUMNS = 78  # letters of a row's list
HEAD = 172  # where the lanes begin
BAND, GAP = 34, 8  # above a band, between two rows
TITLE, LINE, PADDING = 24, 15, 6
FIRST_LANE, LANE, MARGIN = 612, 30, 8

STYLE = """
  svg { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif;
        --paper: #ffffff; --ink: #1f2328; --muted: #59636e; --line: #b6bec8; --box: #f6f8fa;
        --machine: #0969da; --queue: #bc4c00; --secret: #1a7f37; --table: #8250df; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --muted: #9198a1; --line: #4a525c; --box: #161b22;
          --machine: #58a6ff; --queue: #f0883e; --secret: #3fb950; --table: #bc8cff; } }
  .paper { fill: var(--paper); }
  text { fill: var(--ink); }
  .heading { font-size: 20px; font-weight: 600; }
  .band { font-size: 14px; font-weight: 600; }
  .title { font-size: 13px; font-weight: 600; }
  .note, .says { fill: var(--muted); }
  .note { text-anchor: end; }
  .names { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: var(--muted); }
  .box { fill: var(--box); stroke: var(--line); }
  .reach { stroke: var(--line); fill: none; }
  .lane { stroke-width: 1.5; fill: none; }
  .machine { --own: var(--machine); } .queue { --own: var(--queue); }
  .secret { --own: var(--secret); } .table { --own: var(--table); }
  .lane { stroke: var(--own); } .dot, .tip { fill: var(--own); } .label { fill: var(--own); }
"""
SAYS = (
    "A dot: the row starts the machine, sends to the queue, or reads the secret.",
    "An arrow: the machine calls the row's functions, the queue feeds its worker.",
    "Drawn from template.yaml by `make picture`.",
)


def draw(landscape: Landscape) -> str:
    """The picture as SVG: the same bytes for the same landscape."""
    return "\n".join([*_Sheet(landscape).elements(), "</svg>", ""])


class _Sheet:
    def __init__(self, landscape: Landscape) -> None:
        self._landscape = landscape
        self._lanes: dict[str, tuple[float, str, Lane]] = {}
        at = float(FIRST_LANE)
        kinds = (("machine", landscape.machines), ("queue", landscape.queues), ("secret", landscape.secrets))
        for kind, lanes in kinds:
            for lane in lanes:
                self._lanes[lane.key] = (at, kind, lane)
                at += LANE
            at += 12
        self._rows: list[tuple[float, float, Row]] = []
        self._bands: list[tuple[float, str]] = []
        y = float(HEAD)
        for band, rows in landscape.rows.items():
            y += BAND
            self._bands.append((y - 10, band))
            for row in rows:
                height = TITLE + LINE * len(_lines(row)) + PADDING
                self._rows.append((y, height, row))
                y += height + GAP
        self._table = y + 14
        self._height = self._table + 50

    def elements(self) -> Iterator[str]:
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self._height:g}" width="{WIDTH}" '
            f'height="{self._height:g}" role="img" aria-labelledby="what">'
        )
        yield '<title id="what">Kindling: functions, and the machines, queues and secrets that they reach</title>'
        yield f"<style>{STYLE}</style>"
        yield f'<rect class="paper" width="{WIDTH}" height="{self._height:g}"/>'
        yield _text(LEFT, 44, "heading", "Kindling, as template.yaml has it")
        for number, line in enumerate(SAYS):
            yield _text(LEFT, 72 + 18 * number, "says", line)
        for y, band in self._bands:
            yield _text(LEFT, y, "band", f"{band}: a function per route" if band == "API" else band)
        for lane in self._lanes:
            yield from self._lane(lane)
        for y, height, row in self._rows:
            yield from self._row(y, height, row)
        yield from self._bar()

    def _lane(self, key: str) -> Iterator[str]:
        """A lane: from its label down to the row that it leads to, or to the last row that uses it."""
        x, kind, lane = self._lanes[key]
        yield f'<g class="{kind}">'
        label = escape(f"{lane.owner} {lane.label}".strip())
        yield f'<text class="label" transform="translate({x + 4:g} {HEAD - 6}) rotate(-90)">{label}</text>'
        ends = [_exit(y, height, row) for y, height, row in self._rows if key in row.reaches]
        enters = [_entrance(y) for y, _, row in self._rows if row.entry == key]
        yield f'<path class="lane" d="M{x:g} {HEAD}V{max(ends + enters, default=HEAD):g}"/>'
        for y in enters:
            yield f'<path class="lane" d="M{x:g} {y:g}H{RIGHT + 8}"/>'
            yield f'<path class="tip" d="M{RIGHT + 1} {y:g}l9 -4.5v9z"/>'
        yield "</g>"

    def _row(self, y: float, height: float, row: Row) -> Iterator[str]:
        yield f'<path class="reach" d="M{RAIL} {y + height / 2:g}H{LEFT}"/>'
        yield (f'<rect class="box" x="{LEFT}" y="{y:g}" width="{RIGHT - LEFT}" height="{height:g}" rx="5"/>')
        yield _text(LEFT + 10, y + 18, "title", row.title)
        yield _text(RIGHT - 10, y + 18, "note", _note(row))
        for number, line in enumerate(_lines(row)):
            yield _text(LEFT + 10, y + TITLE + LINE * number + 11, "names", line)
        reached = [self._lanes[key] for key in self._lanes if key in row.reaches]
        if reached:
            at = _exit(y, height, row)
            yield f'<path class="reach" d="M{RIGHT} {at:g}H{max(x for x, _, _ in reached):g}"/>'
            for x, kind, _ in reached:
                yield f'<g class="{kind}"><circle class="dot" cx="{x:g}" cy="{at:g}" r="4.5"/></g>'

    def _bar(self) -> Iterator[str]:
        """The table, which every function may use."""
        top = self._rows[0][0]
        yield '<g class="table">'
        yield f'<path class="lane" d="M{RAIL} {top:g}V{self._table + 16:g}H{LEFT - 8}"/>'
        yield f'<path class="tip" d="M{LEFT - 1} {self._table + 16:g}l-9 -4.5v9z"/>'
        yield f'<rect class="box" x="{LEFT}" y="{self._table:g}" width="{RIGHT - LEFT}" height="32" rx="5"/>'
        yield _text(LEFT + 10, self._table + 21, "title", "DynamoDB")
        yield _text(RIGHT - 10, self._table + 21, "note", self._landscape.table)
        yield "</g>"


def _lines(row: Row) -> list[str]:
    """The row's functions, wrapped for a monospaced font; a single one is in the note instead."""
    return textwrap.wrap(", ".join(row.functions), COLUMNS) if len(row.functions) > 1 else []


def _note(row: Row) -> str:
    alone = len(row.functions) == 1 and row.functions != (row.title,)
    return f"{row.functions[0]}: {row.note}" if alone else row.note


def _entrance(y: float) -> float:
    """The height at which a row's entry is drawn."""
    return y + 10


def _exit(y: float, height: float, row: Row) -> float:
    """The height at which a row's line to its lanes starts: below its entry."""
    return y + height - 9 if row.entry else y + height / 2


def _text(x: float, y: float, kind: str, text: str) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}">{escape(text)}</text>'
