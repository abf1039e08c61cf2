"""What is kept of an account's reputation: a value for each day, none for a day that nobody knows, ninety days."""

from datetime import date, timedelta

import pytest

from kindling.accounts.policy import measured
from kindling.accounts.reputation import DailyReputation
from kindling.providers.model import WarmupAccount, WarmupFigures, WarmupTotals

DAY = date(2026, 3, 1)


def on(*days: int) -> DailyReputation:
    """What is kept after readings on some days after the first, each with its number as value."""
    kept = None
    for number in days:
        kept = DailyReputation.with_day(kept, DAY + timedelta(days=number), number)
    assert kept
    return kept


def numbered(kept: DailyReputation, today: int) -> list[tuple[int, int | None]]:
    return [((day - DAY).days, value) for day, value in kept.until(DAY + timedelta(days=today))]


def test_a_day_without_a_reading_stays_unknown() -> None:
    assert numbered(on(0, 1, 4), 4) == [(0, 0), (1, 1), (2, None), (3, None), (4, 4)]
    assert numbered(on(0, 1), 3) == [(0, 0), (1, 1), (2, None), (3, None)]


def test_ninety_days_are_kept_and_not_one_more() -> None:
    assert len(on(*range(89)).values) == 89
    assert numbered(on(*range(90)), 89) == [(number, number) for number in range(90)]
    assert numbered(on(*range(91)), 90) == [(number, number) for number in range(1, 91)]
    assert on(0, 10_000).values == [*[None] * 89, 10_000]


def test_ninety_days_are_shown_however_long_ago_the_last_one_was() -> None:
    assert numbered(on(0), 89)[0] == (0, 0)
    assert numbered(on(0), 90) == [(number, None) for number in range(1, 91)]
    assert numbered(on(*range(90)), 100) == [(number, number if number < 90 else None) for number in range(11, 101)]


def test_a_clock_that_was_put_back_hides_no_day() -> None:
    assert numbered(on(3, 4), 2) == [(3, 3), (4, 4)]


@pytest.mark.parametrize(
    ("status", "score", "sent", "value"),
    [
        (1, 0, 0, 0),
        (1, 88.5, 0, 88),
        (1, None, 1, 42),
        # Nobody knows it, which is not 0.
        (1, None, 0, None),
        # What is told while it is paused or banned is from before.
        (0, 95, 300, None),
        (-1, 95, 300, None),
    ],
)
def test_a_reputation_is_of_today_while_the_warmup_is_on_and_something_is_known(
    status: int, score: float | None, sent: int, value: int | None
) -> None:
    live = WarmupAccount(email="kim@acme.example", warmup_status=status, stat_warmup_score=score)
    assert measured(live, WarmupFigures(totals=WarmupTotals(sent=sent, health_score=42), days={})) == value


def test_three_months_fit_into_a_row_as_easily_as_one_day() -> None:
    kept = on(*range(90)).model_copy(update={"values": [100] * 90})
    assert len(kept.model_dump_json()) < 500
