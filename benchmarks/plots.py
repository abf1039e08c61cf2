"""Plots of the simulation for docs/warming.md, as SVG: a life day by day, and what the tests of the policy can tell."""

from collections.abc import Callable, Iterable, Sequence
from math import log10

from benchmarks.page import DOCS
from kindling.warming.policy import MIN_BOUNCES, MIN_COMPLAINTS, PAUSE_CONFIDENCE
from kindling.warming.schedules import Thresholds
from kindling.warming.statistics import confident_above
from tests.simulation.figures import at_most
from tests.simulation.life import Life

WIDTH, LEFT, RIGHT = 860, 70, 20
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #444 } .title { font-size: 15px; font-weight: 600 }
.axis { stroke: #999 } .grid { stroke: #8884 } .bar { fill: #7aa6d8 }
.limit { fill: none; stroke: #b4472e; stroke-width: 2 }
.bounces { fill: none; stroke: #5a7a2b; stroke-width: 2 } .complaints { fill: none; stroke: #8a4fa3; stroke-width: 2 }
.threshold { stroke: #999; stroke-dasharray: 4 3 } .stopped { fill: #b4472e22 } .phase { fill: #8881 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .axis { stroke: #777 } }
</style>"""
# The colours and dashes of the curves of one plot.
CURVES = (("#1f6fb2", ""), ("#b4472e", "6 3"), ("#5a7a2b", "2 3"))


def write(name: str, svg: str) -> None:
    """Write a plot into the documentation."""
    (DOCS / name).write_text(svg)


def life(title: str, shown: Life) -> str:
    """Limit, recipients and phase of each day on a logarithmic scale, and below them the rates of the last week."""
    days, top, bottom = len(shown.mail), 50, 280
    x = _scale(0, days, LEFT, WIDTH - RIGHT)
    high = max(max(shown.limits), max(shown.mail), 100)
    y = _scale(0, log10(high) * 1.05, bottom, top)

    def level(n: int) -> float:
        return y(log10(max(n, 1)))

    parts = [_text(LEFT, 24, title, "title"), _text(LEFT, 42, "recipients a day (bars), daily limit (line)")]
    parts += _phases(shown.phases, x, top, bottom)
    parts += _grid((level(10**power), f"{10**power:,}") for power in range(int(log10(high)) + 1))
    width = (WIDTH - LEFT - RIGHT) / days * 0.7
    for day, n in enumerate(shown.mail):
        if n:
            parts.append(_box("bar", x(day + 0.15), level(n), width, bottom - level(n)))
    steps = [(x(day + side), level(limit)) for day, limit in enumerate(shown.limits) for side in (0, 1)]
    parts.append(_line("limit", steps))
    parts += _rates(shown, x, 320, 420)
    parts += [_text(x(day), 440, f"day {day}") for day in range(0, days, 14)]
    return _svg(450, title, parts)


def _phases(phases: Sequence[str], x: Callable[[float], float], top: float, bottom: float) -> Iterable[str]:
    """A band for each phase; stopped days are marked by colour and by word."""
    start = 0
    for day in range(1, len(phases) + 1):
        if day == len(phases) or phases[day] != phases[start]:
            kind = "stopped" if phases[start] in ("paused", "suspended") else "phase"
            yield _box(kind, x(start), top, x(day) - x(start) - 1, bottom - top)
            if day - start >= 4:
                yield _text(x(start) + 4, top + 14, phases[start].replace("_", " "))
            start = day


def _rates(shown: Life, x: Callable[[float], float], top: float, bottom: float) -> Iterable[str]:
    """Bounces and complaints as shares of their pause thresholds."""
    bar = Thresholds()
    bounces = [rate / bar.pause_bounce_rate for rate, _ in shown.rates]
    complaints = [rate / bar.pause_complaint_rate for _, rate in shown.rates]
    y = _scale(0, min(max([1.5, *bounces, *complaints]), 5), bottom, top)
    yield _text(
        LEFT, top - 12, "bounces (green) and complaints (violet) of the last week, as multiples of the pause threshold"
    )
    yield from _grid((y(multiple), f"{multiple}") for multiple in (0, 1))
    yield f'<line class="threshold" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(1):.1f}" y2="{y(1):.1f}"/>'
    for name, values in (("bounces", bounces), ("complaints", complaints)):
        yield _line(name, [(x(day), y(min(value, 5))) for day, value in enumerate(values)])


def power() -> str:
    """The probability that one look pauses, by the true rate: of complaints on the left, of bounces on the right."""
    bar = Thresholds()
    middle = WIDTH / 2
    parts = [_text(LEFT, 24, "The probability that one look at a week pauses a domain, by its true rate", "title")]
    for left, right, name, threshold, least, most in (
        (LEFT, middle - 30, "complaints", bar.pause_complaint_rate, MIN_COMPLAINTS, 0.01),
        (middle + 40, WIDTH - RIGHT, "bounces", bar.pause_bounce_rate, MIN_BOUNCES, 0.15),
    ):
        x, y = _scale(0, most, left, right), _scale(0, 1, 280, 60)
        parts += _grid(((y(share), f"{share:.0%}") for share in (0, 0.5, 1)), left, right)
        parts += [_text(x(most * part) - 12, 300, f"{most * part:.1%}") for part in (0, 0.5, 1)]
        parts.append(_text(left, 320, f"true rate of {name}; the dashed line is the threshold"))
        parts.append(f'<line class="threshold" x1="{x(threshold):.1f}" x2="{x(threshold):.1f}" y1="60" y2="280"/>')
        for (colour, dash), recipients in zip(CURVES, (300, 1_000, 10_000), strict=True):
            smallest = _critical(recipients, threshold, least)
            rates = [most * step / 60 for step in range(1, 61)]
            points = [(x(rate), y(1 - at_most(smallest - 1, recipients, rate))) for rate in rates]
            style = f'style="fill:none;stroke:{colour};stroke-width:2;stroke-dasharray:{dash or "none"}"'
            parts.append(_line("", points, style))
    for index, ((colour, dash), recipients) in enumerate(zip(CURVES, (300, 1_000, 10_000), strict=True)):
        at = LEFT + 240 * index
        style = f'style="stroke:{colour};stroke-width:2;stroke-dasharray:{dash or "none"}"'
        parts.append(f'<line x1="{at}" x2="{at + 30}" y1="345" y2="345" {style}/>')
        parts.append(_text(at + 38, 349, f"{recipients:,} recipients"))
    return _svg(365, "Operating characteristics of the pause", parts)


def _critical(recipients: int, threshold: float, least: int) -> int:
    events = least
    while not confident_above(events, recipients, threshold, PAUSE_CONFIDENCE):
        events += 1
    return events


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (end - start)


def _grid(lines: Iterable[tuple[float, str]], left: float = LEFT, right: float = WIDTH - RIGHT) -> list[str]:
    return [
        f'<line class="grid" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
        for y, label in lines
    ]


def _line(kind: str, points: Iterable[tuple[float, float]], style: str = "") -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}" {style}/>'


def _box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"/>'


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{text}</text>'


def _svg(height: int, title: str, parts: Iterable[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">'
    return "\n".join([head, f"<title>{title}</title>", STYLE, *parts, "</svg>\n"])
