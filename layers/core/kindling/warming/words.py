"""The sentences of the warming policy: why a domain was stopped or lowered, does not climb or does not advance."""

from kindling.warming.evidence import COMPLAINTS_SHARE, REPORTED_SHARE, Tally
from kindling.warming.model import SYSTEM, Phase, Warming

LAST_PHASE = "there is no phase after warmed"
SILENT = "nothing was reported about the last day with mail: what became of it is unknown"

OTHERS = "mail that another tenant sent under the name before counts as well: its figures are not shown"

AFTER_SUSPENSION = (
    "only a key with the scope admin can start warming again, with force, from the first day of the first phase"
)


def told(reasons: list[str], own: list[str]) -> list[str]:
    """Reasons with the figures of a tenant's own mail, for those that are also about mail of others."""
    return [*own, OTHERS] if reasons and reasons != own else reasons


def stopped(warming: Warming) -> list[str]:
    """The reason why a domain's warming admits nothing; empty in a phase that sends."""
    match warming.phase:
        case Phase.NOT_STARTED:
            return ["warming has not been started"]
        case Phase.PAUSED | Phase.SUSPENDED:
            return [f"warming is {warming.phase}: {warming.stopped_because or 'no reason given'}"]
        case _:
            return []


def days_missing(required: int, mailed: int, served: int) -> str:
    sentence = f"minimum {required} days in phase required (currently {mailed})"
    return f"{sentence}: only days with mail count" if mailed < served else sentence


def limit_missing(required: int, now: int) -> str:
    return f"daily limit must have climbed to {required:,} (currently {now:,})"


def volume_missing(required: int, mailed: int) -> str:
    return f"at least {required:,} recipients in this phase required (currently {mailed:,})"


def unreported(tally: Tally, days: int) -> str:
    return (
        f"delivery reports cover only {tally.reported:,} of {tally.recipients:,} recipients in {days} days "
        f"({REPORTED_SHARE:.0%} required): what became of the others is unknown"
    )


def complaints_unknown(tally: Tally) -> str:
    return (
        f"complaints are unknown: only {tally.listening:,} of {tally.recipients:,} recipients are at mailbox providers "
        f"that report them ({COMPLAINTS_SHARE:.0%} required)"
    )


def unused(busiest: int, limit: int, share: float) -> str:
    return f"a day with {share:.0%} of the daily limit of {limit:,} is required (the busiest had {busiest:,})"


def delivery_low(required: float, tally: Tally) -> str:
    return f"delivery rate of at least {required:.1%} required (currently {tally.delivered / tally.recipients:.2%})"


def rate_high(kind: str, threshold: float, events: int, recipients: int) -> str:
    places = 3 if kind == "complaint" else 2
    return f"{kind} rate below {threshold:.{places - 1}%} required (currently {rate(events, recipients, places)})"


def doubtful(kind: str, events: int, recipients: int, threshold: float, days: int) -> str:
    return (
        f"{events:,} {kind}{'s' * (events != 1)} from {recipients:,} recipients in {days} days leave the doubt "
        f"that the rate is above {threshold:.{2 if kind == 'complaint' else 1}%}"
    )


def bad_day(detail: str) -> str:
    return f"the last day with mail was a bad one: {detail}"


def not_better(kind: str, events: int, recipients: int, threshold: float) -> str:
    places = 3 if kind == "complaint" else 2
    return (
        f"after a bad day, the limit climbs again after one with a {kind} rate of at most {threshold:.{places - 1}%} "
        f"(the last: {rate(events, recipients, places)})"
    )


def breach(kind: str, events: int, recipients: int, threshold: float, confidence: float) -> str:
    places = 2 if kind == "complaints" else 1
    if events > recipients:
        return f"{events:,} {kind} from {recipients:,} recipients, so that other reports must be missing"
    return (
        f"{events:,} {kind} from {recipients:,} recipients: above {threshold:.{places}%} with "
        f"{confidence:.1%} confidence"
    )


def gross(tally: Tally) -> str:
    return f"{tally.bounces:,} bounces from {tally.recipients:,} recipients"


def idle(days: int) -> str:
    return f"nothing was sent for {days} days"


def rate(events: int, recipients: int, places: int) -> str:
    """A rate in percent; more events than recipients are no rate."""
    return f"{events:,} of {recipients:,}" if events > recipients else f"{events / recipients:.{places}%}"


def held(breach: str, domains: int) -> str:
    return f"your {domains:,} domains together, without the worst of them, have {breach}: none of them climbs"


def after_pause(warming: Warming, strikes: int) -> list[str]:
    """What to do about a pause."""
    if warming.stopped_by != SYSTEM:
        return ["resume warming to go on where it stopped"]
    return [
        "remove the recipients that caused this, then resume: a phase lower, with at most half of the busiest day",
        *strikes_left(warming.strikes, strikes),
    ]


def strikes_left(had: int, most: int) -> list[str]:
    """What the next pause by the policy is."""
    if not had:
        return []
    if had >= most:
        return ["the next pause by the policy in this phase is a suspension"]
    return [f"{had} of {most} pauses by the policy in this phase: the one after the last is a suspension"]


def more_clean(kind: str, recipients: int) -> str:
    return f"{recipients:,} more recipients without a {kind} end the doubt about the {kind} rate"


def held_at(limit: int, day: str) -> str:
    since = f"a bad day on {day}" if day else "the pause"
    return f"the daily limit is held at {limit:,} after {since}; each good day doubles it"


def slowed(provider: str, limit: int) -> str:
    return f"{provider} blocks mail: it gets at most {limit:,} recipients a day, twice as many after each good day"
