"""What a look at DNS means for a challenge, and when the next look is due: to the moment."""

from datetime import UTC, datetime, timedelta

from kindling.domains.ownership import Ownership, challenge_text
from kindling.platform import clock

SEEN = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
PROVEN = Ownership(challenge="c").after(True, SEEN)


def test_a_domain_in_use_is_looked_at_a_day_after_the_last_look() -> None:
    assert PROVEN.due(SEEN) == SEEN + timedelta(hours=24)
    assert PROVEN.due(SEEN + timedelta(hours=24) - MOMENT) == SEEN + timedelta(hours=24)


def test_a_look_without_an_answer_is_repeated_an_hour_later() -> None:
    due = SEEN + timedelta(hours=24)
    assert PROVEN.after(None, due).due(due) == due + timedelta(hours=1)
    late = due + timedelta(days=5)
    assert PROVEN.due(late) == late + timedelta(hours=1)


def test_a_challenge_is_lost_72_hours_after_the_first_look_that_missed_it() -> None:
    missed = PROVEN.after(False, SEEN + timedelta(days=1))
    gone = SEEN + timedelta(days=1, hours=72)
    assert not missed.lost
    assert not missed.after(False, gone - MOMENT).lost
    assert missed.after(False, gone).lost
    assert missed.wire()["in_use_until"] == clock.timestamp(gone)


def test_a_miss_keeps_the_moment_of_the_first_one_until_the_challenge_is_seen_again() -> None:
    first = SEEN + timedelta(days=1)
    missed = PROVEN.after(False, first).after(False, first + timedelta(days=1))
    assert missed.missing_since == clock.timestamp(first)
    assert not missed.proven
    again = missed.after(True, first + timedelta(days=2))
    assert (again.missing_since, again.proven, again.lost) == (None, True, False)


def test_a_look_that_nobody_answered_changes_nothing_that_is_known() -> None:
    missed = PROVEN.after(False, SEEN + timedelta(days=1))
    assert missed.after(None, SEEN + timedelta(days=30)) == missed
    assert PROVEN.after(None, SEEN + timedelta(days=30)) == PROVEN


def test_a_challenge_has_160_bits_of_what_is_derived() -> None:
    assert challenge_text(bytes(range(32))) == "kindling-verification=aaaqeayeaudaocajbifqydiob4ibceqt"
    assert challenge_text(bytes(20)) != challenge_text(bytes(19) + b"\x01")
    assert challenge_text(bytes(20)) == challenge_text(bytes(20) + b"\x01")
