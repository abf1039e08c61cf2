"""What people are shown of answers that fields and tables would not make plain."""

from collections.abc import Callable
from typing import Any

from rich.text import Text

from kindling_cli import pretty, ramp
from kindling_client import Kindling, models


def schedules(_kindling: Kindling, answer: models.SchedulesAnswer) -> None:
    """Print the schedule in use, and the others: a line for each phase."""
    shown = [answer.schedule, *([answer.own] if answer.own else []), *answer.presets]
    out = pretty.console()
    for number, one in enumerate({each.name: each for each in shown}.values()):
        in_use = " in use" if number == 0 else ""
        out.print(Text(f"{one.name}, version {one.version}{in_use}", "bold"))
        phases = [(phase, getattr(one.phases, phase)) for phase in ramp.PHASES]
        rows = [
            {
                "phase": phase,
                "daily_limit": _range([step.daily_limit for step in plan.steps]),
                "hourly_limit": _range([step.hourly_limit for step in plan.steps]),
                "per_minute_limit": _range([step.per_minute_limit for step in plan.steps]),
                "steps": len(plan.steps),
                "min_days": plan.min_days,
                "min_volume": f"{plan.min_volume:,}",
            }
            for phase, plan in phases
        ]
        pretty.table(rows, tuple(rows[0]))
        out.print()


def _range(limits: list[int]) -> str:
    first, last = limits[0], limits[-1]
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


BY_NAME: dict[str, Callable[[Kindling, Any], None]] = {"ramp": ramp.draw, "schedules": schedules}
