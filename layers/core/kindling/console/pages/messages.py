"""The log of messages, with its filters, and the page of a message."""

from dataclasses import replace

from kindling.console.html import Html, tag
from kindling.console.layout import INSTANT, badge, empty, facts, field, page, pager, section, select, table
from kindling.console.numbers import code, full, moment, plural
from kindling.console.visit import Visit
from kindling.errors import InvalidRequest
from kindling.messages import service
from kindling.messages.model import ListMessages, Message, Status
from kindling.platform.paging import Page

PATH = "/console/messages"
ROWS = 50
FILTERS = ("status", "from", "to", "subject", "domain", "since", "until")
KINDS = {
    Status.DELIVERED: "good",
    Status.QUEUED: "busy",
    Status.REJECTED: "bad",
    Status.BOUNCED: "bad",
    Status.COMPLAINED: "bad",
}
OUTCOMES = [("", "any"), *((status.value, status.value) for status in Status)]


def show_all(visit: Visit) -> Html:
    """A page of the tenant's messages, newest first, as the filters ask."""
    found: Page[Message] = Page([])
    try:
        found = service.list_messages(visit.caller, visit.read(ListMessages, *FILTERS, "cursor", limit=ROWS))
    except InvalidRequest as error:
        visit = replace(visit, problem=str(error))
    heads = ("Subject", "Outcome", "From", "To", "Sent")
    rows = [
        (
            tag("a", one.subject or "(no subject)", href=f"{PATH}/{one.id}"),
            outcome(one.outcome),
            one.sender,
            _recipients(one),
            moment(one.created_at),
        )
        for one in found.rows
    ]
    filtered = any(visit.query.get(name) for name in FILTERS)
    none = empty("No message fits these filters.", tag("a", "Show all", href=PATH)) if filtered else _none()
    if filtered and found.next_cursor and not rows:
        none = empty("None of the messages looked at so far fits.", "The next page looks further back.")
    listed = table("Messages, newest first", heads, rows) if rows else none
    return page(visit, "Messages", tag("h1", "Messages"), _filters(visit), listed, pager(visit, found.next_cursor))


def outcome(status: Status) -> Html:
    """What became of a message or a recipient."""
    return badge(status, KINDS.get(status, ""))


def _none() -> Html:
    return empty(
        "No message has been sent in the time that the log is kept.",
        "Messages are sent with ",
        tag("code", "POST /v1/send"),
        "; ",
        tag("a", "the API's page", href="/docs"),
        " lets you try it.",
    )


def _recipients(message: Message) -> str:
    known = message.recipients
    if not known:
        return "erased"
    return known[0] if len(known) == 1 else f"{known[0]} and {plural(len(known) - 1, 'other')}"


def _filters(visit: Visit) -> Html:
    asked = {name: visit.query.get(name, "") for name in FILTERS}
    fields = (
        select("Outcome", "status", OUTCOMES, asked["status"]),
        field("From", "from", asked["from"]),
        field("To", "to", asked["to"]),
        field("Subject has", "subject", asked["subject"]),
        field("Domain", "domain", asked["domain"]),
        field("Since", "since", asked["since"], placeholder=INSTANT),
        field("Until", "until", asked["until"], placeholder=INSTANT),
    )
    return tag("form", fields, tag("button", "Filter", class_="quiet"), method="get", action=PATH, class_="filter")


def show(visit: Visit) -> Html:
    """The page of one of the tenant's messages. Raises NotFound."""
    message = service.get(visit.caller, visit.ids["email_id"])
    subject = message.subject or "(no subject)"
    erased = (("Erased", plural(message.erased, "recipient")),) if message.erased else ()
    about = facts(
        ("From", tag("a", message.sender, href=f"/console/accounts/{message.account_id}")),
        ("To", ", ".join(message.to) or "nobody"),
        ("Copies", ", ".join(message.cc) or "none"),
        ("Blind copies", ", ".join(message.bcc) or "none"),
        ("Sent", full(message.created_at)),
        ("Kept until", full(message.expires.isoformat())),
        ("Tags", ", ".join(message.tags) or "none"),
        *erased,
    )
    each = [
        (one, outcome(found.status), code(found.kind or ""), full(found.at)) for one, found in message.outcomes.items()
    ]
    told = [
        (full(event.at), code(event.event_type), ", ".join(event.recipients) or "all", code(event.kind or ""))
        for event in message.history
    ]
    return page(
        visit,
        subject,
        tag("h1", subject, " ", outcome(message.outcome)),
        about,
        section("Recipients", table("Recipients", ("Address", "Outcome", "Kind", "When"), each), id_="recipients"),
        section("Events", table("Events, oldest first", ("When", "Event", "Recipients", "Kind"), told), id_="events"),
        trail=((PATH, "Messages"),),
    )
