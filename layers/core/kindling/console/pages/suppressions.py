"""The list of addresses that get no mail, with forms to add one and to take one off."""

from kindling.console.actions import Form
from kindling.console.html import NOTHING, Html, tag
from kindling.console.layout import confirmed, empty, field, form, page, pager, section, select, table
from kindling.console.numbers import code, moment
from kindling.console.visit import Visit
from kindling.keys.model import Scope
from kindling.suppressions import service
from kindling.suppressions.model import ListSuppressions, Reason, Suppression

PATH = "/console/suppressions"
ROWS = 50
REASONS = [(one.value, code(one)) for one in Reason]


def show_all(visit: Visit) -> Html:
    """A page of the tenant's suppressions, newest first."""
    found = service.page_of(visit.caller, visit.read(ListSuppressions, "query", "reason", "cursor", limit=ROWS))
    heads = ("Address", "Reason", "By", "Since", "Actions")
    rows = [
        (
            one.email,
            code(one.reason),
            "a report" if one.source == "webhook" else "a key",
            moment(one.created_at),
            _allow(visit, one),
        )
        for one in found.rows
    ]
    asked = {name: visit.query.get(name, "") for name in ("query", "reason")}
    fields = (
        field("Address has", "query", asked["query"]),
        select("Reason", "reason", [("", "any"), *REASONS], asked["reason"], id_="wanted"),
    )
    filters = tag("form", fields, tag("button", "Filter", class_="quiet"), method="get", action=PATH, class_="filter")
    none = empty(
        "No address is suppressed." if not any(asked.values()) else "No suppression fits these filters.",
        "Addresses that do not exist or that complain are added by themselves.",
    )
    listed = table("Suppressions, newest first", heads, rows) if rows else none
    title = tag("h1", "Suppressions")
    return page(visit, "Suppressions", title, filters, listed, pager(visit, found.next_cursor), _create(visit))


def _allow(visit: Visit, entry: Suppression) -> Html:
    if not visit.may(Scope.SEND):
        return NOTHING
    warning = f"Mail to {entry.email} is accepted again. After a complaint or a hard bounce that harms your domains."
    return confirmed(visit, f"{PATH}/{entry.email}/allow", "Allow again", warning)


def _create(visit: Visit) -> Html:
    if not visit.may(Scope.SEND):
        return NOTHING
    fields = (
        field("Address", "email", required=True, autocomplete="off"),
        select("Reason", "reason", REASONS, Reason.MANUAL.value),
    )
    return section("Suppress an address", form(visit, PATH, "Suppress", *fields, inline=False), id_="suppress")


CREATE = Form(
    "POST",
    "/v1/suppressions",
    show_all,
    PATH,
    "suppressed",
    body=lambda sent: {"email": sent.get("email", "").strip(), "reason": sent.get("reason", "")},
)
DELETE = Form("DELETE", "/v1/suppressions/{email}", show_all, PATH, "allowed")
