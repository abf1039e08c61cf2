"""Rules without statistics: they pause at a raw rate. Everything else is production code."""

from kindling.warming.evidence import Evidence
from kindling.warming.model import Phase, Warming
from kindling.warming.policy import Action, Verdict
from kindling.warming.policy import judge as production
from kindling.warming.schedules import Schedule

COMPLAINTS, BOUNCES = 0.001, 0.05
FLOOR = 1_000


def at_every_report(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """Pause at 0.1 % complaints or 5 % bounces in seven days, whatever the volume."""
    week = evidence.week
    sent = week.recipients
    if sent and (week.complaints >= COMPLAINTS * sent or week.bounces >= BOUNCES * sent):
        return Verdict(Action.PAUSE, Phase.PAUSED, "raw_rate", f"{week.complaints} and {week.bounces} of {sent}")
    return production(warming, schedule, evidence, new_day=new_day)


def once_a_day(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """The same, evaluated only at the end of a day."""
    rule = at_every_report if new_day else production
    return rule(warming, schedule, evidence, new_day=new_day)


def with_a_floor(warming: Warming, schedule: Schedule, evidence: Evidence, *, new_day: bool) -> Verdict:
    """The same at every report, but only from 1,000 recipients in seven days on."""
    rule = at_every_report if evidence.week.recipients >= FLOOR else production
    return rule(warming, schedule, evidence, new_day=new_day)
