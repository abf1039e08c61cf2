"""Elements of HTML and SVG. Whatever is not an element itself is escaped, so that no text can become markup."""

from collections.abc import Iterable
from html import escape
from typing import Any

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


class Html(str):
    """Markup. Only this module makes it of text."""

    __slots__ = ()


NOTHING = Html("")


def tag(name: str, /, *content: Any, **attributes: Any) -> Html:
    """An element: `tag("a", "Next", href="…")`.

    `content` are elements, texts, numbers, None for nothing, and lists of them. Of an attribute's name underscores at
    the end are dropped and others become hyphens; True is an attribute without a value, None and False are none.
    """
    given = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    if name in VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(*content)}</{name}>")


def join(*content: Any) -> Html:
    """Elements and texts one after the other."""
    return Html("".join(map(_text, content)))


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def _text(content: Any) -> str:
    if isinstance(content, Html):
        return content
    if content is None:
        return ""
    if isinstance(content, Iterable) and not isinstance(content, str):
        return join(*content)
    return escape(str(content))
