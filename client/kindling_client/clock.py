"""The only clock of the client, so that tests need not wait."""

import asyncio
import time


def monotonic() -> float:
    """Seconds since some moment."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """Wait, and let others run."""
    await asyncio.sleep(seconds)
