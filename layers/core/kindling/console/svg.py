"""Drawing in SVG: scales and shapes. What a shape looks like is told by its class, in the style of the console."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kindling.console.html import Html, tag

Scale = Callable[[float], float]


def scale(low: float, high: float, start: float, end: float) -> Scale:
    """The coordinates from `start` to `end` for values from `low` to `high`."""
    return lambda value: start + (value - low) / (high - low) * (end - start)


def drawing(width: float, height: float, title: str, *parts: Any, role: str = "img") -> Html:
    """A picture with a title, which stands for it where it is not seen. One with links is a `group` of its parts."""
    head = tag("title", title)
    return tag("svg", head, *parts, viewBox=f"0 0 {width:g} {height:g}", width=width, height=height, role=role)


def box(kind: str, x: float, y: float, width: float, height: float, says: str = "", **more: Any) -> Html:
    """A rectangle; it says something when it is pointed at."""
    content = [tag("title", says)] if says else []
    size = {"x": _n(x), "y": _n(y), "width": _n(max(width, 0)), "height": _n(max(height, 0))}
    return tag("rect", content, class_=kind, **size, **more)


def text(x: float, y: float, said: Any, kind: str = "", anchor: str = "") -> Html:
    return tag("text", said, x=_n(x), y=_n(y), class_=kind or None, text_anchor=anchor or None)


def line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Html:
    return tag("line", class_=kind, x1=_n(x1), y1=_n(y1), x2=_n(x2), y2=_n(y2))


def path(kind: str, *steps: str, **more: Any) -> Html:
    return tag("path", class_=kind, d="".join(steps), **more)


def steps(kind: str, points: Sequence[tuple[float, float, float]]) -> Iterable[Html]:
    """Step lines through `points`, which are the left and right end of a step and its height; a gap begins anew."""
    run: list[str] = []
    end = None
    for left, right, y in points:
        if end is None or abs(left - end) > 1:
            if run:
                yield path(kind, *run)
            run = [f"M{_n(left)} {_n(y)}H{_n(right)}"]
        else:
            run.append(f"V{_n(y)}H{_n(right)}")
        end = right
    if run:
        yield path(kind, *run)


def cross(x: float, y: float, half: float) -> str:
    """The steps of a path that draws a cross around a point, `half` to each side."""
    left, right, above, below = (_n(n) for n in (x - half, x + half, y - half, y + half))
    return f"M{left} {above}L{right} {below}M{left} {below}L{right} {above}"


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
