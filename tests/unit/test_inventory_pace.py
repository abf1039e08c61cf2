"""A round ends a minute before its function does."""

import pytest

from kindling.inventory.pace import OutOfTime, Pace


def test_a_round_goes_on_while_a_minute_is_left_and_not_a_moment_longer() -> None:
    Pace(lambda: 60.0).check()
    with pytest.raises(OutOfTime):
        Pace(lambda: 59.999).check()


def test_the_time_is_looked_at_before_the_first_item_and_after_each() -> None:
    left = iter([61.0, 60.0, 59.0])
    items = Pace(lambda: next(left)).over(iter("abc"))
    assert [next(items), next(items)] == ["a", "b"]
    with pytest.raises(OutOfTime):
        next(items)
    with pytest.raises(OutOfTime):
        next(Pace(lambda: 59.0).over(iter("abc")))
