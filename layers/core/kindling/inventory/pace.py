"""The time budget of a run: it ends in good order before Lambda's timeout."""

from collections.abc import Callable, Iterator
from typing import TypeVar

# Enough for one more provider call with its retries, and the writes after it.
MARGIN_SECONDS = 60.0
T = TypeVar("T")


class OutOfTime(Exception):
    """The run has to stop; the provider's listing is incomplete."""


class Pace:
    """Stops a run in time; `seconds_left` returns how long the function may still run."""

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
