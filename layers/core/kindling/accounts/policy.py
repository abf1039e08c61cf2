"""When an account graduates, and when it is banned. Pure functions of the warmup provider's state and figures."""

from kindling.accounts.model import ACTIVE, BANNED, SUSPENDED, WARMING, State
from kindling.providers.model import WarmupAccount, WarmupFigures

# The least reputation and number of warmup messages for graduation. Source: Puffle's API documentation.
GRADUATION_REPUTATION = 90
GRADUATION_SENT = 200

WARMUP_ACTIVE = 1
# States at Instantly in which an account must not send: banned, spam folder unknown, suspended for good.
FAILED_STATES = {-1: BANNED, -2: SUSPENDED, -3: SUSPENDED}


def reputation(account: WarmupAccount, figures: WarmupFigures) -> int:
    """The reputation, 0 to 100: Instantly's `stat_warmup_score`, or the `health_score` while there is none yet."""
    score = account.stat_warmup_score
    return round(figures.totals.health_score if score is None else score)


def measured(account: WarmupAccount, figures: WarmupFigures) -> int | None:
    """The reputation as one of today; None while the warmup is off at the provider, or nobody knows a score yet."""
    unknown = account.stat_warmup_score is None and not figures.totals.sent
    return None if unknown or account.warmup_status != WARMUP_ACTIVE else reputation(account, figures)


def next_state(state: State, account: WarmupAccount, figures: WarmupFigures) -> State | None:
    """The state to which an account has to change, None when it stays. A ban takes precedence over graduation.

    An account whose warmup is paused at the provider does not graduate, because its figures do not change.
    """
    failed_state = FAILED_STATES.get(account.warmup_status)
    if failed_state:
        return failed_state
    ready = (
        account.warmup_status == WARMUP_ACTIVE
        and reputation(account, figures) >= GRADUATION_REPUTATION
        and figures.totals.sent >= GRADUATION_SENT
    )
    return ACTIVE if ready and state == WARMING else None
