"""Courses by day as pictures: a domain's warming, and the warmup and reputation of an account."""

from collections.abc import Iterable, Sequence
from datetime import date
from math import log10
from typing import Any

from kindling.accounts.policy import GRADUATION_REPUTATION
from kindling.console import svg
from kindling.console.html import Html, tag
from kindling.console.numbers import code, count, percent
from kindling.console.svg import Scale
from kindling.warming.evidence import Tally
from kindling.warming.overview import Day
from kindling.warming.schedules import Thresholds
from kindling.warming.statistics import interval

WIDTH, LEFT, RIGHT = 860, 64, 76
TOP, BOTTOM = 30, 250
RATES = ((286, 356), (400, 470))
HEIGHT = 500
LOW = 170
# The highest reputation.
BEST = 100
STOPPED = ("paused", "suspended")
# From a phase on that lasted so many days, its name fits into its band.
NAMED_DAYS = 3
FEWEST_DAYS = 14
LABELS = 7
# Half the width of a cross.
CROSS = 4
# The distance of two lines of text.
LINE = 12

Span = tuple[str, str]  # the day on which a phase began, and the phase


def course(days: Sequence[Day], phases: Sequence[Span], thresholds: Thresholds) -> Html:
    """Recipients, limit and refusals of each day on a logarithmic scale, and below the rates of bounces and complaints.

    `phases` are in the order in which they began. A day is a cohort: what was reported counts on the day of sending.
    """
    shown = len(days)
    room = max(shown, FEWEST_DAYS)
    x = svg.scale(0, room, LEFT, WIDTH - RIGHT)
    high = max([100, *(max(day.tally.recipients, day.limit or 0, day.refused) for day in days)])
    y = svg.scale(0, log10(high) * 1.06, BOTTOM, TOP)
    title = f"Mail, limit, refusals and rates of the last {shown} days"
    return svg.drawing(
        WIDTH,
        HEIGHT,
        title,
        _hatching(),
        _phases(days, phases, x),
        _levels(high, y),
        _bars(days, x, y),
        svg.steps("limit", [(x(i), x(i + 1), y(_log(n))) for i, n in _limits(days, phases)]),
        _refusals(days, x, y),
        svg.text(LEFT, 18, "Recipients a day: sent (bars), limit (line), refused at least (crosses)", "axis"),
        _rates(days, "bounces", x, RATES[0], thresholds),
        _rates(days, "complaints", x, RATES[1], thresholds),
        _labels([date.fromisoformat(day.date) for day in days], x, HEIGHT - 8),
    )


def warmup(days: Sequence[dict[str, Any]]) -> Html:
    """What an account has sent and received for its warmup on each day."""
    x = svg.scale(0, max(len(days), FEWEST_DAYS), LEFT, WIDTH - RIGHT)
    high = max([1, *(day[kind] for day in days for kind in ("sent", "received"))])
    y = svg.scale(0, high * 1.06, LOW, TOP)
    width = x(1) - x(0)
    bars = [
        svg.box(
            f"bar {kind}",
            x(i) + width * (0.12 + 0.38 * side),
            y(day[kind]),
            width * 0.36,
            LOW - y(day[kind]),
            f"{day['date']}: {count(day[kind])} {kind}",
        )
        for i, day in enumerate(days)
        for side, kind in enumerate(("sent", "received"))
    ]
    grid = [
        (svg.line("grid", LEFT, y(n), WIDTH - RIGHT, y(n)), svg.text(LEFT - 6, y(n) + 4, count(n), "tick", "end"))
        for n in (0, high)
    ]
    dates = _labels([date.fromisoformat(day["date"]) for day in days], x, LOW + 18)
    legend = svg.text(LEFT, 18, "Messages a day: sent (left bars), received (right bars, outlined)", "axis")
    return svg.drawing(WIDTH, LOW + 28, f"Warmup of the last {len(days)} days", legend, grid, bars, dates)


def reputation(days: Sequence[tuple[date, int | None]]) -> Html:
    """The reputation of an account on each day, with the one that it graduates at. A day without one is a gap."""
    x = svg.scale(0, max(len(days), FEWEST_DAYS), LEFT, WIDTH - RIGHT)
    y = svg.scale(0, BEST, LOW, TOP)
    bar = y(GRADUATION_REPUTATION)
    known = [(i, day, value) for i, (day, value) in enumerate(days) if value is not None]
    grid = [
        (svg.line("grid", LEFT, y(n), WIDTH - RIGHT, y(n)), svg.text(LEFT - 6, y(n) + 4, n, "tick", "end"))
        for n in (0, BEST // 2, BEST)
    ]
    dots = [
        tag("g", tag("title", f"{day}: {value} of {BEST}"), _dot((x(i) + x(i + 1)) / 2, y(value)), class_="reputation")
        for i, day, value in known
    ]
    return svg.drawing(
        WIDTH,
        LOW + 28,
        f"Reputation of the last {len(days)} days, from 0 to {BEST}; it graduates at {GRADUATION_REPUTATION}",
        svg.text(LEFT, 18, "Reputation by day (line; a gap is a day on which none was read)", "axis"),
        grid,
        svg.line("threshold graduation", LEFT, bar, WIDTH - RIGHT, bar),
        svg.text(LEFT - 6, bar + 4, GRADUATION_REPUTATION, "tick", "end"),
        svg.text(WIDTH - RIGHT + 6, bar + 4, "graduation", "tick"),
        svg.steps("limit", [(x(i), x(i + 1), y(value)) for i, _, value in known]),
        dots,
        _labels([day for day, _ in days], x, LOW + 18),
    )


def _log(n: int | None) -> float:
    return log10(max(n or 1, 1))


def _hatching() -> Html:
    """What marks a stop, besides its colour."""
    stroke = svg.path("hatch", "M0 6L6 0")
    pattern = tag("pattern", stroke, id="stopped", width="6", height="6", patternUnits="userSpaceOnUse")
    return tag("defs", pattern)


def _phases(days: Sequence[Day], phases: Sequence[Span], x: Scale) -> Iterable[Html]:
    """A band for each phase, with its name; one in which nothing is sent is hatched."""
    names = [_phase_on(day.date, phases) for day in days]
    start = 0
    for i in range(1, len(names) + 1):
        if i < len(names) and names[i] == names[start]:
            continue
        name = names[start]
        if name:
            kind = "stopped" if name in STOPPED else f"phase {'odd' if name[-1:] in '13' else 'even'}"
            fill = "url(#stopped)" if name in STOPPED else None
            label = f"{code(name)}, from {days[start].date}"
            yield svg.box(kind, x(start), TOP, x(i) - x(start), BOTTOM - TOP, label, fill=fill)
            if i - start >= NAMED_DAYS:
                yield svg.text(x(start) + 4, TOP + 12, code(name), "label")
        start = i


def _limits(days: Sequence[Day], phases: Sequence[Span]) -> Iterable[tuple[int, int]]:
    """The daily limits by the number of the day. It stays where there is no mail, and there is none during a stop."""
    last = None
    for i, day in enumerate(days):
        last = day.limit or last
        if last and _phase_on(day.date, phases) not in STOPPED:
            yield i, last


def _phase_on(day: str, phases: Sequence[Span]) -> str:
    """The phase at the end of a day."""
    return next((phase for began, phase in reversed(phases) if began[:10] <= day), "")


def _levels(high: int, y: Scale) -> Iterable[Html]:
    for power in range(int(log10(high)) + 1):
        at = y(power)
        yield svg.line("grid", LEFT, at, WIDTH - RIGHT, at)
        yield svg.text(LEFT - 6, at + 4, count(10**power), "tick", "end")


def _bars(days: Sequence[Day], x: Scale, y: Scale) -> Iterable[Html]:
    width = x(1) - x(0)
    for i, day in enumerate(days):
        sent = day.tally.recipients
        if sent:
            top = y(_log(sent))
            limit = f" of {count(day.limit)}" if day.limit else ""
            says = f"{day.date}: {count(sent)}{limit}"
            yield svg.box("bar", x(i) + width * 0.16, top, width * 0.68, max(BOTTOM - top, 2), says)


def _refusals(days: Sequence[Day], x: Scale, y: Scale) -> Iterable[Html]:
    """A cross at the height of what was refused, on a ground that sets it off from bars and lines."""
    for i, day in enumerate(days):
        if day.refused:
            middle, at = (x(i) + x(i + 1)) / 2, y(_log(day.refused))
            cross = svg.cross(middle, at, CROSS)
            says = f"{day.date}: at least {count(day.refused)} refused"
            yield tag("g", tag("title", says), svg.path("ground", cross), svg.path("mark", cross), class_="refused")


def _rates(days: Sequence[Day], name: str, x: Scale, place: tuple[float, float], bar: Thresholds) -> Iterable[Html]:
    """Each day's rate as a dot in the range in which the true one lies, and the thresholds as lines."""
    top, bottom = place
    of = _bounces if name == "bounces" else _complaints
    lines = (
        ("hold", bar.max_bounce_rate if name == "bounces" else bar.max_complaint_rate),
        ("pause", bar.pause_bounce_rate if name == "bounces" else bar.pause_complaint_rate),
        ("suspend", bar.suspend_bounce_rate if name == "bounces" else bar.suspend_complaint_rate),
    )
    known = {i: of(day.tally) for i, day in enumerate(days) if of(day.tally)[1]}
    most = lines[-1][1] * 1.25
    y = svg.scale(0, most, bottom, top)
    yield svg.text(LEFT, top - 8, f"Rate of {name} by day of sending, with its 95 % range", "axis")
    yield svg.line("grid", LEFT, bottom, WIDTH - RIGHT, bottom)
    yield svg.text(LEFT - 6, bottom + 4, "0", "tick", "end")
    above = bottom + LINE
    for rate in sorted({rate for _, rate in lines}):
        names = [label for label, own in lines if own == rate]
        yield svg.line(f"threshold {names[-1]}", LEFT, y(rate), WIDTH - RIGHT, y(rate))
        # Thresholds may be nearer to each other than two lines of text.
        above = min(y(rate) + 4, above - LINE)
        yield svg.text(LEFT - 6, above, percent(rate, 1), "tick", "end")
        yield svg.text(WIDTH - RIGHT + 6, above, ", ".join(names), "tick")
    for i, (events, trials) in known.items():
        middle = (x(i) + x(i + 1)) / 2
        low, up = (y(min(rate, most)) for rate in interval(events, trials))
        at = y(min(events / max(trials, events), most))
        says = f"{days[i].date}: {count(events)} of {count(trials)}, {percent(events / max(trials, events))}"
        yield tag("g", tag("title", says), svg.line("range", middle, low, middle, up), _dot(middle, at), class_=name)


def _dot(x: float, y: float) -> Html:
    return tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", class_="dot")


def _bounces(tally: Tally) -> tuple[int, int]:
    return tally.bounces, tally.reported


def _complaints(tally: Tally) -> tuple[int, int]:
    return tally.complaints, tally.listening


def _labels(days: Sequence[date], x: Scale, y: float) -> Iterable[Html]:
    """The dates of some of the days, the last one among them."""
    every = max(len(days) // LABELS, 1)
    for i in range(len(days) - 1, -1, -every):
        yield svg.text((x(i) + x(i + 1)) / 2, y, f"{days[i]:%b %-d}", "tick", "middle")
