"""Doing the same for several items at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(task: Callable[[T], R], items: Iterable[T], *, threads: int) -> list[R]:
    """The results of `task`, in the order of the items. The threads have the caller's deadline (`clock.deadline`)."""
    context = copy_context()
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(context.copy().run, task, item) for item in items]
        return [future.result() for future in running]
