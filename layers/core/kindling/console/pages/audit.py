"""The audit log: which key asked for which change, and what was answered."""

from collections import Counter
from dataclasses import replace
from functools import cache

from kindling.audit import service
from kindling.audit.model import Entry, ListEntries, Outcome
from kindling.console.html import NOTHING, Html, join, tag
from kindling.console.layout import INSTANT, badge, empty, field, page, pager, select, table
from kindling.console.numbers import code, full
from kindling.console.visit import Visit
from kindling.entry.routes import summaries
from kindling.errors import InvalidRequest
from kindling.keys.model import Scope
from kindling.platform.paging import Page

PATH = "/console/audit"
ROWS = 50
FILTERS = ("what", "key_id", "subject", "since", "until")
# They change something and have logs of their own, or change nothing.
NOT_LOGGED = {"/v1/send", "/v1/send/batch", "/v1/domains/{domain_id}/warming/explain", "/webhooks/agentmail"}
SAYS = {
    Outcome.UNKNOWN: ("not known", "busy"),
    Outcome.ACCEPTED: ("accepted", ""),
    Outcome.SUCCEEDED: ("done", "good"),
    Outcome.REFUSED: ("refused", ""),
    Outcome.FAILED: ("failed", "bad"),
}
ABOUT = (
    "Every request that may change something, by the API or by this console, for 400 days; messages have a log of "
    "their own. One whose outcome is not known may have changed everything or nothing."
)


def show_all(visit: Visit) -> Html:
    """A page of the tenant's audit log, newest first, as the filters ask. Raises Forbidden."""
    visit.caller.require(Scope.ADMIN)
    found: Page[Entry] = Page([])
    method, _, route = visit.query.get("what", "").partition(" ")
    asked = replace(visit, query={**visit.query, "method": method, "route": route})
    try:
        query = asked.read(ListEntries, "method", "route", *FILTERS[1:], "cursor", limit=ROWS)
        found = service.list_entries(visit.caller, query)
    except InvalidRequest as error:
        visit = replace(visit, problem=str(error))
    heads = ("What was asked for", "About", "Key", "Outcome", "When")
    rows = [(_what(one), _about(one), _key(one), _outcome(one), full(one.created_at)) for one in found.rows]
    none = empty("Nothing has been changed yet.", "The first request that may change something appears here.")
    if any(visit.query.get(name) for name in FILTERS):
        none = empty("No request fits these filters.", tag("a", "Show all", href=PATH))
        if found.next_cursor:
            none = empty("None of the requests looked at so far fits.", "The next page looks further back.")
    listed = table("Requests, newest first", heads, rows) if rows else none
    about = tag("p", ABOUT, class_="faint")
    title = tag("h1", "Audit log")
    return page(visit, "Audit log", title, about, _filters(visit), listed, pager(visit, found.next_cursor))


@cache
def logged() -> dict[str, str]:
    """What each route does that the log has, by its method and path; of two that do the same, with its family."""
    found = {one: says for one, says in summaries().items() if one[0] != "GET" and one[1] not in NOT_LOGGED}
    twice = Counter(found.values())
    return {
        f"{method} {path}": says if twice[says] == 1 else f"{says} (/{path.split('/')[1]})"
        for (method, path), says in sorted(found.items(), key=lambda one: one[1])
    }


def _what(entry: Entry) -> Html:
    asked = f"{entry.method} {entry.route}"
    # A route may have been given up since.
    says = logged().get(asked)
    return join(says, tag("br"), tag("code", asked, class_="faint long")) if says else tag("code", asked)


def _about(entry: Entry) -> Html:
    return tag("code", entry.subject_id, class_="long") if entry.subject_id else NOTHING


def _key(entry: Entry) -> Html:
    kind = NOTHING if entry.live else join(" ", badge("test", "kind"))
    return join(entry.key_name, kind, tag("br"), tag("code", entry.key_id, class_="faint"))


def _outcome(entry: Entry) -> Html:
    says = badge(*SAYS[entry.outcome])
    answered = entry.answered
    if answered is None:
        return says
    if answered.operation_id:
        return join(says, " ", tag("a", "operation", href=f"/console/operations/{answered.operation_id}"))
    if answered.replayed:
        return join(says, " before; answered again")
    return join(says, " ", code(answered.error or ""))


def _filters(visit: Visit) -> Html:
    asked = {name: visit.query.get(name, "") for name in FILTERS}
    fields = (
        select("What", "what", [("", "anything"), *logged().items()], asked["what"]),
        field("Key", "key_id", asked["key_id"], placeholder="its id"),
        field("About", "subject", asked["subject"], placeholder="an id, or a domain"),
        field("Since", "since", asked["since"], placeholder=INSTANT),
        field("Until", "until", asked["until"], placeholder=INSTANT),
    )
    return tag("form", fields, tag("button", "Filter", class_="quiet"), method="get", action=PATH, class_="filter")
