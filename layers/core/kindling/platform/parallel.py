"""Doing the same for several items at once."""

from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(task: Callable[[T], R], items: Sequence[T], *, threads: int) -> list[R]:
    """The results of `task`, in the order of the items. The threads have the caller's deadline (`clock.deadline`).

    After an error, which is raised, nothing more is begun.
    """
    if not items:
        return []
    # Imported here: what has one item to do needs no threads.
    from concurrent.futures import ThreadPoolExecutor

    context = copy_context()
    pool = ThreadPoolExecutor(threads)
    try:
        running = [pool.submit(context.copy().run, task, item) for item in items]
        return [future.result() for future in running]
    finally:
        pool.shutdown(cancel_futures=True)


def after_the_first(task: Callable[[T], R], items: Sequence[T], *, threads: int) -> list[R]:
    """As `each`, with the first item done alone: it makes clients and fetches keys, which threads must not all do."""
    first = [task(item) for item in items[:1]]
    return [*first, *each(task, items[1:], threads=threads)]
