"""The list of webhooks, with a form to make one, and the page of a webhook with its deliveries."""

from typing import Any

from kindling.console.actions import Form, overlap
from kindling.console.html import NOTHING, Html, tag
from kindling.console.layout import (
    badge,
    confirmed,
    empty,
    facts,
    field,
    form,
    hours,
    page,
    pager,
    section,
    select,
    table,
    unfolded,
)
from kindling.console.numbers import count, full, moment
from kindling.console.visit import Visit
from kindling.events import service
from kindling.events.model import Delivery, DeliveryStatus, ListDeliveries, Style, Webhook
from kindling.keys.model import Scope
from kindling.platform import clock
from kindling.platform.paging import Paging

PATH = "/console/webhooks"
HERE = f"{PATH}/{{webhook_id}}"
ROWS = 50
KINDS = {DeliveryStatus.SUCCEEDED: "good", DeliveryStatus.PENDING: "busy", DeliveryStatus.FAILED: "bad"}
STYLES = ((Style.STANDARD.value, "events, signed"), (Style.CHAT.value, "sentences, for a chat"))


def show_all(visit: Visit) -> Html:
    """A page of the tenant's webhooks, newest first."""
    found = service.list_webhooks(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    heads = ("URL", "State", "Events", "Sends", "Made")
    rows = [
        (
            tag("a", one.url, href=f"{PATH}/{one.id}"),
            _state(one),
            ", ".join(one.events),
            dict(STYLES)[one.style],
            moment(one.created_at),
        )
        for one in found.rows
    ]
    none = empty("There is no webhook yet.", "A webhook is told of every change, such as a domain that is paused.")
    listed = table("Webhooks, newest first", heads, rows) if rows else none
    return page(visit, "Webhooks", tag("h1", "Webhooks"), listed, pager(visit, found.next_cursor), _create(visit))


def _state(webhook: Webhook) -> Html:
    if not webhook.enabled:
        return badge("disabled", "bad")
    return badge("failing", "bad") if webhook.failing_since else badge("enabled", "good")


def _create(visit: Visit) -> Html:
    if not visit.may(Scope.ADMIN):
        return NOTHING
    fields = (
        field("URL", "url", hint="begins with https://", required=True, type="url", autocomplete="off"),
        field(
            "Events", "events", "*", hint="types such as domain.verified or warming.*, with commas between; * for all"
        ),
        select("Sends", "style", STYLES),
    )
    return section("Make a webhook", form(visit, PATH, "Make it", *fields, inline=False), id_="make")


def show(visit: Visit) -> Html:
    """The page of one of the tenant's webhooks. Raises NotFound."""
    webhook = service.get(visit.caller, visit.ids["webhook_id"])
    query = visit.read(ListDeliveries, "status", "cursor", limit=ROWS)
    found = service.list_deliveries(visit.caller, webhook.id, query)
    about = facts(
        ("Events", ", ".join(webhook.events)),
        ("Sends", dict(STYLES)[webhook.style]),
        ("Failing since", full(webhook.failing_since) or "not failing"),
        ("Disabled", full(webhook.disabled_at) or "no"),
        ("Made", full(webhook.created_at)),
        *_old_secret(webhook),
    )
    heads = ("Event", "State", "Attempts", "Answer", "Next attempt", "Begun", "Actions")
    rows = [_row(visit, one) for one in found.rows]
    none = empty("There is no delivery in the last 30 days.", "The next change that it wants will be sent.")
    states = [("", "any"), *((one.value, one.value) for one in DeliveryStatus)]
    chosen = select("State", "status", states, visit.query.get("status", ""))
    choose = tag("form", chosen, tag("button", "Filter", class_="quiet"), method="get", class_="filter")
    listed = table("Deliveries, newest first", heads, rows, numeric=(2,)) if rows else none
    title = tag("h1", webhook.url, " ", _state(webhook))
    deliveries = section("Deliveries", choose, listed, pager(visit, found.next_cursor), id_="deliveries")
    return page(visit, webhook.url, title, _actions(visit, webhook), about, deliveries, trail=((PATH, "Webhooks"),))


def _old_secret(webhook: Webhook) -> tuple[tuple[str, Html], ...]:
    """Until when the secret before signs as well, while it does."""
    until = webhook.previous_until
    return (("Old secret signs until", full(until)),) if until and until > clock.timestamp() else ()


def _row(visit: Visit, delivery: Delivery) -> list[Any]:
    pending = delivery.status == DeliveryStatus.PENDING
    answer = delivery.last_error or (f"HTTP {delivery.response_status}" if delivery.response_status else "")
    return [
        delivery.event_type,
        badge(delivery.status, KINDS.get(delivery.status, "")),
        count(delivery.attempts),
        answer,
        moment(delivery.next_attempt_at) if pending else "",
        moment(delivery.created_at),
        NOTHING if pending else _redeliver(visit, delivery),
    ]


def _redeliver(visit: Visit, delivery: Delivery) -> Html:
    if not visit.may(Scope.ADMIN):
        return NOTHING
    named = tag("input", type="hidden", name="delivery_id", value=delivery.id)
    return form(visit, f"{PATH}/{delivery.webhook_id}/redeliver", "Send again", named, style="quiet")


def _actions(visit: Visit, webhook: Webhook) -> Html:
    if not visit.may(Scope.ADMIN):
        return NOTHING
    path = f"{PATH}/{webhook.id}"
    again = form(visit, f"{path}/replay", "Enable, and send again what was not delivered", style="quiet")
    warning = "Nothing is sent to it any more, and its deliveries are forgotten."
    gone = confirmed(visit, f"{path}/delete", "Delete webhook", warning)
    return tag("div", again, _rotate(visit, path), gone, class_="actions")


def _rotate(visit: Visit, path: str) -> Html:
    says = "Deliveries are signed with a new secret, which is shown once."
    until = hours("Hours for which the old secret signs, too")
    return unfolded("Rotate secret", tag("p", says), form(visit, f"{path}/rotate", "Rotate it", until, inline=False))


def _wanted(sent: dict[str, str]) -> dict[str, Any]:
    events = [part.strip() for part in sent.get("events", "").split(",") if part.strip()]
    return {"url": sent.get("url", "").strip(), "events": events, "style": sent.get("style", "")}


def _secret(answer: dict[str, Any]) -> str:
    return str(answer["secret"])


CREATE = Form("POST", "/v1/webhooks", show_all, PATH, "done", body=_wanted, shows=_secret)
DELETE = Form("DELETE", "/v1/webhooks/{webhook_id}", show, PATH, "webhook-deleted")
REPLAY = Form("POST", "/v1/webhooks/{webhook_id}/replay", show, HERE, "replayed")
REDELIVER = Form(
    "POST",
    "/v1/webhooks/{webhook_id}/replay",
    show,
    HERE,
    "redelivered",
    body=lambda sent: {"delivery_id": sent.get("delivery_id", "")},
)
ROTATE = Form("POST", "/v1/webhooks/{webhook_id}/rotate", show, HERE, "done", body=overlap, shows=_secret)
