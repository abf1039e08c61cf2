"""The page for what cannot be shown."""

from kindling.console.html import Html, tag
from kindling.console.layout import document


def failure(message: str) -> Html:
    """A page with a sentence and a way back."""
    way = tag("p", tag("a", "Go to the domains", href="/console/domains"))
    return document("Not shown", tag("main", tag("h1", "This cannot be shown"), tag("p", message), way, class_="alone"))
