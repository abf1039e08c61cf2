"""Webhooks: create, list, change and delete. `deliveries` sends their events."""

import base64
import secrets
from typing import Annotated, Any, Literal

import httpx
from pydantic import Field

from kindling.platform import clock
from local.sandbox.agentmail.errors import body_of, invalid, not_found
from local.sandbox.agentmail.inboxes import ClientId
from local.sandbox.agentmail.paging import page
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Webhook, World

routes = Routes("/v0")

EventType = Literal[
    "message.received",
    "message.received.spam",
    "message.received.blocked",
    "message.received.unauthenticated",
    "message.sent",
    "message.delivered",
    "message.bounced",
    "message.complained",
    "message.rejected",
    "message.opened",
    # AgentMail has no such event; tests subscribe to it.
    "message.clicked",
    "domain.verified",
]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
HeaderText = Annotated[str, Field(pattern=r"^[\x20-\x7e]*$")]
Ids = Annotated[list[str], Field(max_length=10)]


class CreateWebhook(Strict):
    url: Annotated[str, Field(pattern=r"^https?://")]
    event_types: Annotated[list[EventType], Field(min_length=1)]
    pod_ids: Ids | None = None
    inbox_ids: Ids | None = None
    client_id: ClientId | None = None
    headers: dict[HeaderName, HeaderText] | None = None


class UpdateWebhook(Strict):
    event_types: Annotated[list[EventType], Field(min_length=1)] | None = None
    enabled: bool | None = None
    add_inbox_ids: Ids | None = None
    remove_inbox_ids: Ids | None = None
    add_pod_ids: Ids | None = None
    remove_pod_ids: Ids | None = None


@routes.on("POST", "/webhooks")
def create_webhook(world: World, call: Call) -> httpx.Response:
    body = body_of(call, CreateWebhook)
    if not _is_address(body.url):
        raise invalid(["url"], "Invalid url", "invalid_format")
    for first in world.webhooks.values():
        if body.client_id and first.client_id == body.client_id:
            return httpx.Response(200, json=_shown(first))
    now = clock.timestamp()
    webhook = Webhook(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        webhook_id=f"ep_{secrets.token_hex(14)}",
        client_id=body.client_id,
        body={
            "url": body.url,
            "event_types": list(body.event_types),
            "pod_ids": body.pod_ids,
            "inbox_ids": body.inbox_ids,
            "secret": f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}",
            "enabled": True,
        },
        headers=body.headers or {},
    )
    world.webhooks[webhook.webhook_id] = webhook
    return httpx.Response(200, json=_shown(webhook))


@routes.on("GET", "/webhooks")
def list_webhooks(world: World, call: Call) -> httpx.Response:
    return page(call, "webhooks", world.webhooks.values(), _shown)


@routes.on("GET", "/webhooks/{webhook_id}")
def get_webhook(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json=_shown(_webhook(world, call)))


@routes.on("GET", "/webhooks/{webhook_id}/headers")
def get_webhook_headers(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json={"header_names": sorted(_webhook(world, call).headers)})


@routes.on("PATCH", "/webhooks/{webhook_id}")
def update_webhook(world: World, call: Call) -> httpx.Response:
    webhook = _webhook(world, call)
    body = body_of(call, UpdateWebhook)
    if not body.model_fields_set:
        raise invalid([], "At least one field must be provided")
    if body.event_types is not None:
        webhook.body["event_types"] = list(body.event_types)
    if body.enabled is not None:
        webhook.body["enabled"] = body.enabled
        webhook.failing_since = None
        if not body.enabled:
            world.outbox.drop(webhook.webhook_id)
    for name, added, removed in (
        ("inbox_ids", body.add_inbox_ids, body.remove_inbox_ids),
        ("pod_ids", body.add_pod_ids, body.remove_pod_ids),
    ):
        ids = [*(webhook.body[name] or []), *(added or [])]
        webhook.body[name] = [id_ for id_ in dict.fromkeys(ids) if id_ not in (removed or [])] or None
    webhook.updated_at = clock.timestamp()
    return httpx.Response(200, json=_shown(webhook))


@routes.on("DELETE", "/webhooks/{webhook_id}")
def delete_webhook(world: World, call: Call) -> httpx.Response:
    webhook = _webhook(world, call)
    del world.webhooks[webhook.webhook_id]
    world.outbox.drop(webhook.webhook_id)
    return httpx.Response(204)


def _webhook(world: World, call: Call) -> Webhook:
    webhook = world.webhooks.get(call.args["webhook_id"])
    if webhook is None:
        raise not_found("Webhook not found")
    return webhook


def _is_address(url: str) -> bool:
    """Whether it is a URL that a request can be sent to; it need not respond."""
    try:
        address = httpx.URL(url)
        address.host.encode("idna")
    except (httpx.InvalidURL, UnicodeError):
        return False
    return bool(address.host) and (address.port or 0) < 1 << 16


def _shown(webhook: Webhook) -> dict[str, Any]:
    fields = {
        "webhook_id": webhook.webhook_id,
        **webhook.body,
        "client_id": webhook.client_id,
        "updated_at": webhook.updated_at,
        "created_at": webhook.created_at,
    }
    return {name: value for name, value in fields.items() if value is not None}
