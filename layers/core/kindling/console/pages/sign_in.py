"""The page on which somebody signs in."""

from kindling.console.html import NOTHING, Html, tag
from kindling.console.layout import document

MEANS = (
    "A key with the scope read sees everything here but keys and the audit log, which ask for the scope admin; what "
    "changes something is offered to keys that may do it. The key itself is not stored: your browser keeps it sealed "
    "for eight hours at most, and signing out or revoking the key ends the session."
)
NONE_YET = "No key yet? On AWS the operator makes one with “kindling keys”; the local cloud prints one when it starts."


def page(problem: str = "") -> Html:
    """The page, with what was wrong with the last try."""
    said = tag("p", problem, class_="notice bad", role="alert", id="problem") if problem else NOTHING
    given = tag(
        "input",
        id="api_key",
        name="api_key",
        type="password",
        autocomplete="current-password",
        required=True,
        autofocus=True,
        spellcheck="false",
        aria_describedby="problem" if problem else "means",
    )
    form = tag(
        "form",
        tag("div", tag("label", "API key", for_="api_key"), given, class_="field"),
        tag("button", "Sign in"),
        method="post",
        action="/console/sign-in",
        class_="stacked",
    )
    parts = (tag("h1", "Kindling"), said, form, tag("p", MEANS, id="means", class_="faint"))
    return document("Sign in", tag("main", *parts, tag("p", NONE_YET, class_="faint"), class_="alone"))
