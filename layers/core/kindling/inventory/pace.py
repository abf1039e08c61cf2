"""A round's time: it stops before its function is stopped."""

from collections.abc import Callable, Iterator
from typing import TypeVar

# One more call to a provider with its retries, and what has to be written down after it.
MARGIN_SECONDS = 60.0
T = TypeVar("T")


class OutOfTime(Exception):
    """The round has to stop here; what it has not looked at is unknown."""


class Pace:
    """`seconds_left` tells how long the function may still run."""

    def __init__(self, seconds_left: Callable[[], float]) -> None:
        self._seconds_left = seconds_left

    def check(self) -> None:
        """Raises OutOfTime when the next call might not finish."""
        if self._seconds_left() < MARGIN_SECONDS:
            raise OutOfTime("The round has no time left; the next one begins anew.")

    def over(self, items: Iterator[T]) -> Iterator[T]:
        """The items, with a check of the time before each. Raises OutOfTime."""
        self.check()
        for item in items:
            yield item
            self.check()
