"""`kindling warming status`: the ramp by day, the limits as steps and what was sent as bars."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from rich.console import Console
from rich.text import Text

from kindling_cli import pretty
from kindling_client import Kindling, models

BEFORE, AHEAD = 10, 7
BAR = 40
PHASES = ("phase_1", "phase_2", "phase_3", "phase_4")
NO_LIMIT = 1_000_000_000


@dataclass(frozen=True)
class Marks:
    """What bars are drawn with."""

    sent: str
    room: str
    limit: str


BLOCKS, ASCII = Marks("█", "·", "▏"), Marks("#", ".", "|")


@dataclass(frozen=True)
class Day:
    """A day of the ramp; `sent` is None where it has not come yet, `limit` where there is none."""

    date: str
    sent: int | None
    limit: int | None
    today: bool = False


def draw(kindling: Kindling, status: models.WarmingAnswer) -> None:
    """Print the status of a domain's warming. Reads its figures by day and the schedules."""
    stats = kindling.get_daily_stats(status.domain_id, days=BEFORE + 1).stats
    schedules = kindling.get_warming_schedules()
    known = [schedules.schedule, *([schedules.own] if schedules.own else []), *schedules.presets]
    steps = next((limits_of(one) for one in known if one.name == status.schedule.name), [])
    out = pretty.console()
    _headline(out, status)
    for line in lines(days(status, stats, steps), marks()):
        out.print(line)
    _reasons(out, status)


def marks() -> Marks:
    """Blocks where the output has them."""
    return BLOCKS if (sys.stdout.encoding or "").lower().replace("-", "") == "utf8" else ASCII


def limits_of(schedule: models.Schedule) -> list[list[int]]:
    """The daily limits of a schedule, by phase."""
    return [[step.daily_limit for step in getattr(schedule.phases, phase).steps] for phase in PHASES]


def days(status: models.WarmingAnswer, stats: list[models.ShownDate], steps: list[list[int]]) -> list[Day]:
    """The last days, today, and the days to come as they are if the domain climbs every day.

    Limits of days that are over are not kept: they are the schedule's, counted back from today's.
    """
    ramp = [limit for phase in steps for limit in phase]
    today_limit = _limit(status.current_limits.daily_limit)
    warming = status.phase in PHASES
    place = _place(status, steps) if warming else None
    found = []
    start = (status.warming_started_at or "9")[:10]
    past = sorted(stats, key=lambda one: one.date)
    # Of the days before anything was sent or might have been, none has anything to show.
    while len(past) > 1 and not past[0].total_sent and past[0].date < start:
        past.pop(0)
    for back, one in zip(range(len(past) - 1, -1, -1), past, strict=True):
        at = place - back if place is not None and start <= one.date else -1
        limit = today_limit if back == 0 else ramp[at] if at >= 0 else None
        sent = status.today_sent if back == 0 else one.total_sent
        found.append(Day(one.date, sent, limit, today=back == 0))
    if place is not None and past:
        today = date.fromisoformat(past[-1].date)
        ahead = ramp[place + 1 : place + 1 + AHEAD]
        found += [Day(str(today + timedelta(n)), None, limit) for n, limit in enumerate(ahead, start=1)]
    return found


def _place(status: models.WarmingAnswer, steps: list[list[int]]) -> int | None:
    """Where in the whole ramp today is; None when its limit is none of its phase's."""
    number = PHASES.index(status.phase)
    limit = status.current_limits.daily_limit
    if number >= len(steps) or limit not in steps[number]:
        return None
    return sum(map(len, steps[:number])) + steps[number].index(limit)


def _limit(limit: int) -> int | None:
    return limit if 0 < limit < NO_LIMIT else None


def lines(shown: list[Day], marks: Marks) -> Iterator[Text]:
    """A line for each day: its date, what was sent, a bar, and the limit as the end of what there was room for."""
    most = max([one for day in shown for one in (day.sent, day.limit) if one], default=1)
    digits = max(4, len(f"{most:,}"))
    yield Text(f"\n  {'day':10}  {'sent':>{digits}}  {'':{BAR + 1}}  {'limit':>{digits}}", "bold")
    for day in shown:
        sent = round((day.sent or 0) / most * BAR)
        end = round((day.limit or 0) / most * BAR)
        bar = marks.sent * sent + marks.room * max(0, end - sent)
        if day.limit:
            bar = bar[:end] + marks.limit + bar[end:]
        number = "" if day.sent is None else f"{day.sent:,}"
        limit = f"{day.limit:,}" if day.limit else "-"
        note = "  today" if day.today else "  planned" if day.sent is None else ""
        style = "bold" if day.today else "dim" if day.sent is None else ""
        yield Text(f"  {day.date}  {number:>{digits}}  {bar:{BAR + 1}}  {limit:>{digits}}{note}", style)


def _headline(out: Console, status: models.WarmingAnswer) -> None:
    limits = status.current_limits
    out.print(
        Text(status.domain, "bold"),
        Text(status.phase, pretty.STYLES.get(status.phase, "yellow" if status.phase in PHASES else "")),
        f"day {status.days_in_current_phase + 1} of the phase, schedule {status.schedule.name}",
    )
    if status.stopped_because:
        out.print(Text(f"stopped: {status.stopped_because}", "red"))
    for window, sent, limit in (
        ("today", status.today_sent, limits.daily_limit),
        ("this hour", status.this_hour_sent, limits.hourly_limit),
        ("this minute", status.this_minute_sent, limits.per_minute_limit),
    ):
        of = f" of {limit:,}" if _limit(limit) else ""
        out.print(f"{window:11}  {sent:,}{of}")
    for one in status.mailbox_providers:
        if one.daily_limit is not None:
            out.print(f"{one.mailbox_provider:11}  {one.sent_today:,} of {one.daily_limit:,} today")


def _reasons(out: Console, status: models.WarmingAnswer) -> None:
    metrics = status.metrics
    out.print(
        f"\n{metrics.period_days} days: {metrics.total_sent:,} sent, {metrics.delivery_rate:.1%} delivered, "
        f"{metrics.bounce_rate:.2%} bounced, {metrics.complaint_rate:.3%} complained"
    )
    if status.next_phase:
        reasons = status.advancement_blockers or ["nothing stands in the way"]
        out.print(f"before {status.next_phase}:")
        for reason in reasons:
            out.print(f"  {reason}")
