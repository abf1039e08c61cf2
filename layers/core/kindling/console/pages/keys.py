"""The list of API keys, with forms to make and to revoke one."""

from typing import Any

from kindling.console.actions import Form, number, overlap
from kindling.console.html import NOTHING, Html, tag
from kindling.console.layout import badge, confirmed, field, form, hours, page, pager, section, select, table, unfolded
from kindling.console.numbers import moment
from kindling.console.visit import Visit
from kindling.keys import service
from kindling.keys.model import Key, Scope, environment, why_not_create, why_not_revoke
from kindling.platform import clock
from kindling.platform.paging import Paging

PATH = "/console/keys"
ROWS = 50
MEANING = {
    Scope.READ: "see everything but keys and the audit log",
    Scope.PROVISION: "make and change domains and accounts",
    Scope.SEND: "send, and suppress addresses",
    Scope.ADMIN: "make keys and webhooks, set caps, see keys and the audit log",
}


def show_all(visit: Visit) -> Html:
    """A page of the tenant's keys, newest first. Raises Forbidden."""
    visit.caller.require(Scope.ADMIN)
    found = service.list_keys(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    heads = ("Name", "Id", "State", "For", "Scopes", "Last used", "Ends", "Actions")
    rows = [_row(visit, key) for key in found.rows]
    listed = table("Keys, newest first", heads, rows)
    return page(visit, "Keys", tag("h1", "Keys"), listed, pager(visit, found.next_cursor), _create(visit))


def _row(visit: Visit, key: Key) -> list[Any]:
    now = clock.timestamp()
    own = " (this session)" if key.key_id == visit.caller.key_id else ""
    state = badge("valid", "good") if key.active(now) else badge("revoked" if key.revoked_at else "expired")
    ends = moment(key.revoked_at or key.expires_at, "never")
    scopes = ", ".join(sorted(key.scopes))
    name = f"{key.name}{own}"
    kind = environment(live=key.live)
    return [
        name,
        tag("code", key.key_id),
        state,
        kind,
        scopes,
        moment(key.last_used_at),
        ends,
        tag("div", _rotate(visit, key), _revoke(visit, key), class_="actions") if key.active(now) else NOTHING,
    ]


def _rotate(visit: Visit, key: Key) -> Html:
    if key.rotated_to:
        return tag("span", "replaced by ", tag("code", key.rotated_to))
    if why_not_create(visit.caller, key):
        return NOTHING
    says = "A new key takes its place, which may do the same. It is shown once."
    until = hours("Hours until the old key ends", f"hours-{key.key_id}")
    made = form(visit, f"{PATH}/{key.key_id}/rotate", "Make the new key", until, inline=False)
    return unfolded("Rotate", tag("p", says), made)


def _revoke(visit: Visit, key: Key) -> Html:
    if why_not_revoke(visit.caller, key):
        return NOTHING
    warning = f"Whoever uses the key {key.name} is refused from then on, within a minute."
    return confirmed(visit, f"{PATH}/{key.key_id}/revoke", "Revoke", warning)


def _create(visit: Visit) -> Html:
    boxes = [
        tag(
            "div",
            tag(
                "input", type="checkbox", id=f"scope-{scope}", name=f"scope-{scope}", value="1", checked=scope == "read"
            ),
            " ",
            tag("label", scope, ": ", MEANING[scope], for_=f"scope-{scope}"),
        )
        for scope in Scope
        if scope in visit.caller.scopes
    ]
    kinds = [("test", "test: reaches no provider")]
    if visit.caller.live:
        kinds.insert(0, ("live", "live"))
    fields = (
        field(
            "Name", "name", hint="such as the program that uses it", required=True, maxlength=100, autocomplete="off"
        ),
        tag("fieldset", tag("legend", "It may"), boxes),
        select("For", "environment", kinds),
        field("Days until it ends", "expires_in_days", hint="empty: never", inputmode="numeric", pattern="[0-9]*"),
    )
    return section("Make a key", form(visit, PATH, "Make it", *fields, inline=False), id_="make")


def _wanted(sent: dict[str, str]) -> dict[str, Any]:
    return {
        "name": sent.get("name", ""),
        "scopes": [scope.value for scope in Scope if sent.get(f"scope-{scope}")],
        "live": sent.get("environment") == "live",
        "expires_in_days": number(sent.get("expires_in_days", "")),
    }


def _text(answer: dict[str, Any]) -> str:
    return str(answer["key"]["api_key"])


CREATE = Form("POST", "/api/keys", show_all, PATH, "done", body=_wanted, shows=_text)
ROTATE = Form("POST", "/api/keys/{key_id}/rotate", show_all, PATH, "done", body=overlap, shows=_text)
REVOKE = Form("DELETE", "/api/keys/{key_id}", show_all, PATH, "revoked")
