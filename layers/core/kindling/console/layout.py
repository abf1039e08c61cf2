"""The frame of every page, and the parts that pages share."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from kindling.console import assets
from kindling.console.html import NOTHING, Html, join, tag
from kindling.console.visit import Visit
from kindling.keys.model import Scope

NAVIGATION = (
    ("domains", "Domains"),
    ("accounts", "Accounts"),
    ("messages", "Messages"),
    ("operations", "Operations"),
    ("suppressions", "Suppressions"),
    ("webhooks", "Webhooks"),
    ("keys", "Keys"),
    ("audit", "Audit log"),
    ("cleanups", "Cleanups"),
)
# Those that the API shows to keys with the scope admin only.
OF_ADMINS = ("keys", "audit")
# What is shown in an empty field for an instant.
INSTANT = "2026-03-01T00:00Z"
# What a page says after a form has done what it is for, by the code in the query.
DONE = {
    "verify": "The check was started; this page shows what it finds.",
    "start": "Warming has started.",
    "pause": "Warming is paused. Nothing is admitted until it is resumed.",
    "resume": "Warming goes on.",
    "deleted": "It is deleted.",
    "retry": "The warmup is on.",
    "warmup-on": "The warmup is switched on.",
    "warmup-off": "The warmup is switched off.",
    "published": "The records were published as far as that is possible; “Publishing” says what came of it.",
    "capped": "The cap is as you have set it.",
    "revoked": "The key is revoked. It opens nothing any more, here and elsewhere within a minute.",
    "suppressed": "The address gets no more mail.",
    "allowed": "The address may be written to again.",
    "webhook-deleted": "The webhook is deleted.",
    "replayed": "What was not delivered is sent again.",
    "redelivered": "The event is sent again.",
    "done": "Done.",
}


def document(title: str, *body: Any) -> Html:
    """A whole document."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{title} - Kindling"),
        tag("link", rel="icon", href=assets.url("icon.svg"), type="image/svg+xml"),
        tag("link", rel="stylesheet", href=assets.url("console.css")),
        tag("script", src=assets.url("console.js"), defer=True),
    )
    return join(Html("<!doctype html>"), tag("html", head, tag("body", *body), lang="en"))


def page(visit: Visit, title: str, *content: Any, trail: Sequence[tuple[str, str]] = (), live: bool = False) -> Html:
    """A page of somebody who has signed in. `trail` are path and name of the pages above it.

    With `live`, the page is read again every two seconds, where scripts run, until it is not `live` any more.
    """
    section = visit.path.split("/")[2] if visit.path.count("/") > 1 else "domains"
    links = [
        tag("li", tag("a", name, href=f"/console/{part}", aria_current="page" if part == section else None))
        for part, name in NAVIGATION
        if part not in OF_ADMINS or Scope.ADMIN in visit.caller.scopes
    ]
    who = tag("span", "live" if visit.caller.live else "test", class_="badge kind")
    leave = tag(
        "form", hidden(visit), tag("button", "Sign out", class_="quiet"), method="post", action="/console/sign-out"
    )
    header = tag(
        "header",
        tag("a", "Kindling", href="/console", class_="brand"),
        tag("nav", tag("ul", links), aria_label="Sections"),
        tag("div", tag("span", "Key ", tag("code", visit.caller.key_id), " ", who, class_="who"), leave, class_="me"),
    )
    above = [tag("li", tag("a", name, href=path)) for path, name in trail]
    crumbs = tag("nav", tag("ol", above), class_="trail", aria_label="Above this page") if above else NOTHING
    refresh = tag("p", "This page follows what is running. ", tag("a", "Refresh", href=visit.path), class_="live")
    main = tag(
        "main",
        crumbs,
        notices(visit),
        tag("div", refresh if live else NOTHING, *content, id="content", data_live="2" if live else None),
        id="main",
        tabindex="-1",
    )
    return document(title, tag("a", "Skip to content", href="#main", class_="skip"), header, main)


def notices(visit: Visit) -> Html:
    """What came of the last form."""
    said = DONE.get(visit.query.get("done", ""))
    return join(
        tag("p", visit.problem, class_="notice bad", role="alert") if visit.problem else NOTHING,
        tag("p", said, class_="notice good", role="status") if said and not visit.problem else NOTHING,
        _secret(visit.secret) if visit.secret else NOTHING,
    )


def _secret(text: str) -> Html:
    says = "Copy this now: it is shown this once only."
    return tag("div", tag("p", says), tag("code", text, class_="secret"), class_="notice good", role="status")


def hidden(visit: Visit) -> Html:
    """The fields that every form has: the session's token, and what makes sending it twice act once."""
    return join(
        tag("input", type="hidden", name="token", value=visit.session.token),
        tag("input", type="hidden", name="once", value=str(uuid.uuid4())),
    )


def form(visit: Visit, action: str, button: str, *fields: Any, style: str = "", inline: bool = True) -> Html:
    """A form that changes something; `action` is its path."""
    send = tag("button", button, class_=style or None)
    kind = "inline" if inline else "stacked"
    return tag("form", hidden(visit), *fields, send, method="post", action=action, class_=kind)


def confirmed(visit: Visit, action: str, button: str, *warning: Any) -> Html:
    """A form behind a button that opens it, for what cannot be taken back."""
    yes = form(visit, action, f"Yes, {button[0].lower()}{button[1:]}", style="danger")
    return unfolded(button, tag("p", *warning), yes, style="danger")


def unfolded(button: str, *content: Any, style: str = "quiet") -> Html:
    """Content behind a button that opens it."""
    summary = tag("summary", button, class_=f"button {style}")
    return tag("details", summary, tag("div", *content), class_=f"unfolded {style}")


def field(label: str, name: str, value: str = "", hint: str = "", id_: str = "", **more: Any) -> Html:
    """An input with its label. Its id is its name, unless the page has that twice."""
    own = id_ or name
    said = tag("small", hint, id=f"{own}-hint") if hint else NOTHING
    described = f"{own}-hint" if hint else None
    given = tag("input", id=own, name=name, value=value, aria_describedby=described, **({"type": "text"} | more))
    return tag("div", tag("label", label, for_=own), given, said, class_="field")


def hours(label: str, id_: str = "") -> Html:
    """A field for the hours for which an old secret is still good."""
    hint = "at most a week; 0: none"
    more = {"inputmode": "numeric", "pattern": "[0-9]+", "required": True, "autocomplete": "off"}
    return field(label, "overlap_hours", "24", hint, id_, **more)


def select(label: str, name: str, options: Iterable[tuple[str, str]], value: str = "", id_: str = "") -> Html:
    """A choice with its label; `options` are values and texts. Its id is its name, unless the page has that twice."""
    made = [tag("option", text, value=one, selected=one == value) for one, text in options]
    chosen = tag("select", made, id=id_ or name, name=name)
    return tag("div", tag("label", label, for_=id_ or name), chosen, class_="field")


def section(title: str, *content: Any, id_: str) -> Html:
    """A part of a page with a heading of its own."""
    return tag("section", tag("h2", title, id=id_), *content, aria_labelledby=id_)


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, numeric: Sequence[int] = ()) -> Html:
    """A table, whose rows are cards on a narrow screen; the first cell of a row names it."""
    top = tag(
        "tr", [tag("th", head, scope="col", class_="n" if i in numeric else None) for i, head in enumerate(heads)]
    )
    made = []
    for row in rows:
        cells = [
            tag("td", tag("span", head, class_="head", aria_hidden="true"), tag("span", cell), class_=_cell(i, numeric))
            for i, (head, cell) in enumerate(zip(heads, row, strict=True))
            if i
        ]
        made.append(tag("tr", tag("th", row[0], scope="row"), cells))
    return tag("div", tag("table", tag("caption", caption), tag("thead", top), tag("tbody", made)), class_="table")


def _cell(i: int, numeric: Sequence[int]) -> str | None:
    return "n" if i in numeric else None


def facts(*pairs: tuple[str, Any], wide: str = "") -> Html:
    """Names and values, of which the one named `wide` takes two places."""
    found = [
        tag("div", tag("dt", name), tag("dd", value), class_="wide" if name == wide else None) for name, value in pairs
    ]
    return tag("dl", found, class_="facts")


def sentences(lines: Iterable[str]) -> Html:
    """A list of sentences that begin in lower case, as the rules tell them."""
    return tag("ul", [tag("li", line[:1].upper() + line[1:]) for line in lines], class_="sentences")


def badge(text: str, kind: str = "") -> Html:
    """A state: a word, a mark of its own and a colour."""
    return tag("span", text, class_=f"badge {kind}".strip())


def empty(sentence: str, *next_step: Any) -> Html:
    """What stands where a list would be."""
    return tag("div", tag("p", sentence), tag("p", *next_step) if next_step else NOTHING, class_="empty")


def pager(visit: Visit, next_cursor: str | None) -> Html:
    """Links to the first and to the next page of a list."""
    kept = {name: value for name, value in visit.query.items() if name not in ("cursor", "done") and value}
    links = []
    if visit.query.get("cursor"):
        links.append(tag("a", "First page", href=_to(visit.path, kept)))
    if next_cursor:
        links.append(tag("a", "Next page", href=_to(visit.path, {**kept, "cursor": next_cursor}), rel="next"))
    return tag("nav", links, class_="pager", aria_label="Pages") if links else NOTHING


def _to(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
