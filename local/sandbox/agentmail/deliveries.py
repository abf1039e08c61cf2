"""Webhook deliveries: signed as Svix signs them, retried after a failure, and finally given up."""

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from kindling.platform import clock
from local.sandbox.outbox import Delivery
from local.sandbox.world import Webhook, World

MINUTE, HOUR = 60, 3600
RETRY_AFTER_SECONDS = (5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 10 * HOUR)
PATIENCE = timedelta(days=5)


@dataclass(frozen=True)
class Attempt:
    """A delivery and its signed request."""

    delivery: Delivery
    request: httpx.Request


def publish(world: World, event_type: str, key: str, content: dict[str, Any], due_at: datetime) -> None:
    """Queue an event for every subscribed webhook, to be sent at `due_at`."""
    hearing = [webhook for webhook in world.webhooks.values() if _hears(webhook, event_type, content)]
    if hearing:
        _post(world, hearing, {"event_type": event_type, key: content}, due_at)


def inject(world: World, event: dict[str, Any]) -> int:
    """Queue an event for every enabled webhook, regardless of subscriptions; returns the number of deliveries."""
    enabled = [webhook for webhook in world.webhooks.values() if webhook.body["enabled"]]
    return _post(world, enabled, event, clock.now())


def take(world: World) -> Attempt | None:
    """The next delivery that is due, with its signed request. The caller reports its outcome to `settle`."""
    delivery = world.outbox.take(clock.now(), shuffle=world.settings.webhook_shuffle)
    return Attempt(delivery, _signed(world.webhooks[delivery.webhook_id], delivery)) if delivery else None


def settle(world: World, delivery: Delivery, *, accepted: bool) -> None:
    """Record the outcome of an attempt. A webhook that fails for five days is disabled."""
    if not world.outbox.holds(delivery):
        return
    webhook = world.webhooks[delivery.webhook_id]
    if accepted:
        webhook.failing_since = None
        world.outbox.end(delivery, delivered=True)
        return
    now = clock.now()
    webhook.failing_since = webhook.failing_since or now
    if now - webhook.failing_since >= PATIENCE:
        webhook.body["enabled"] = False
        webhook.updated_at = clock.timestamp()
        world.outbox.drop(webhook.webhook_id)
    elif delivery.failures < len(RETRY_AFTER_SECONDS):
        world.outbox.postpone(delivery, now + timedelta(seconds=RETRY_AFTER_SECONDS[delivery.failures]))
    else:
        world.outbox.end(delivery, delivered=False)


def _hears(webhook: Webhook, event_type: str, content: dict[str, Any]) -> bool:
    """Whether a webhook is enabled and subscribed to the event, and to its inbox or pod if it has such a filter."""
    body = webhook.body
    return (
        body["enabled"]
        and event_type in body["event_types"]
        and all(body[f"{name}s"] is None or content.get(name) in body[f"{name}s"] for name in ("inbox_id", "pod_id"))
    )


def _post(world: World, webhooks: list[Webhook], event: dict[str, Any], due_at: datetime) -> int:
    event = {"type": "event", "event_type": event["event_type"], "event_id": str(uuid.uuid4()), **event}
    body = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    svix_id = f"msg_{secrets.token_hex(14)}"
    repeated = webhooks * world.settings.webhook_repeat
    for webhook in repeated:
        world.outbox.put(webhook.webhook_id, svix_id, body, due_at)
    world.changes += 1
    return len(repeated)


def _signed(webhook: Webhook, delivery: Delivery) -> httpx.Request:
    timestamp = str(int(clock.now().timestamp()))
    key = base64.b64decode(webhook.body["secret"].removeprefix("whsec_"))
    text = f"{delivery.svix_id}.{timestamp}.{delivery.body}".encode()
    signature = base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
    headers = {
        **webhook.headers,
        "Content-Type": "application/json",
        "User-Agent": "Svix-Webhooks/1",
        "svix-id": delivery.svix_id,
        "svix-timestamp": timestamp,
        "svix-signature": f"v1,{signature}",
    }
    return httpx.Request("POST", webhook.body["url"], headers=headers, content=delivery.body.encode())
