"""How numbers, instants and codes are written on a page."""

from datetime import datetime
from typing import Any

from kindling.console.html import NOTHING, Html, tag
from kindling.platform import clock
from kindling.warming.model import UNLIMITED

MINUTE, HOUR, DAY = 60, 3600, 86400


def count(n: int) -> str:
    return f"{n:,}"


def limit(n: int | None) -> str:
    """A limit, which may be none."""
    return "no limit" if n is None or n >= UNLIMITED else f"{n:,}"


def percent(share: float, places: int = 2) -> str:
    return f"{share * 100:.{places}f} %"


def plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def code(text: str) -> str:
    """A code such as `phase_1` as words."""
    return str(text).replace("_", " ")


def moment(instant: str | None, empty: str = "never") -> Html:
    """An instant, ISO 8601: how long ago it was, or how soon it comes, and in full when pointed at."""
    if not instant:
        return tag("span", empty, class_="faint")
    at = clock.parse(instant)
    return tag("time", distance(at), datetime=instant, title=f"{at:%Y-%m-%d %H:%M:%S} UTC")


def full(instant: str | None) -> Html:
    """An instant with date and minute."""
    return tag("time", f"{clock.parse(instant):%Y-%m-%d %H:%M} UTC", datetime=instant) if instant else NOTHING


def distance(at: datetime) -> str:
    seconds = round((clock.now() - at).total_seconds())
    size = abs(seconds)
    if size < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    if size < HOUR:
        text = f"{size // MINUTE} min"
    elif size < 2 * DAY:
        text = f"{size // HOUR} h"
    else:
        text = plural(size // DAY, "day")
    return f"{text} ago" if seconds > 0 else f"in {text}"


def seconds_between(start: Any, end: Any) -> str:
    """How long something took."""
    seconds = (end - start).total_seconds()
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOUR else f"{seconds / HOUR:.1f} h"
