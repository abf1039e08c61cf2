"""When an account graduates, and when it is banned. Pure functions of what the warmup provider reports.

Reputation is Instantly's `stat_warmup_score` of the account, 0 to 100; while the account has none yet, the
`health_score` of its warmup totals stands in for it.
"""

from kindling.accounts.model import ACTIVE, BANNED, SUSPENDED, WARMING, State
from kindling.providers.model import WarmupAccount, WarmupFigures

# The contract's numbers: reputation at least, and messages sent by warmup at least.
GRADUATION_REPUTATION = 90
GRADUATION_SENT = 200

WARMUP_ACTIVE = 1
# -2, "spam folder unknown", is a state that Instantly ends by itself or not at all: the account must not send.
TROUBLE = {-1: BANNED, -2: SUSPENDED, -3: SUSPENDED}


def reputation(account: WarmupAccount, figures: WarmupFigures) -> int:
    score = account.stat_warmup_score
    return round(figures.totals.health_score if score is None else score)


def next_state(state: State, account: WarmupAccount, figures: WarmupFigures) -> State | None:
    """The state an account should be in now, None to leave it. A ban goes before a graduation.

    An account whose warmup is paused at the provider is not graduated: its figures stand still.
    """
    trouble = TROUBLE.get(account.warmup_status)
    if trouble:
        return trouble
    ready = (
        account.warmup_status == WARMUP_ACTIVE
        and reputation(account, figures) >= GRADUATION_REPUTATION
        and figures.totals.sent >= GRADUATION_SENT
    )
    return ACTIVE if ready and state == WARMING else None
