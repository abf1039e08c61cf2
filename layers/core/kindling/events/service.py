"""Use cases of webhooks: create, list, delete, rotate the secret, list deliveries, replay them."""

import uuid
from datetime import timedelta

from kindling.errors import Conflict, IdempotencyKeyReused, NotFound
from kindling.events import signing, store
from kindling.events.model import (
    MOST_WEBHOOKS,
    CreateWebhook,
    Delivery,
    DeliveryStatus,
    ListDeliveries,
    Replay,
    RotateSecret,
    Webhook,
    delivery_key,
    hashed,
)
from kindling.keys.model import Caller
from kindling.platform import clock, due
from kindling.platform.derived import derive
from kindling.platform.paging import Page, Paging
from kindling.platform.settings import settings

# How long a repeated request is shown the secret again; as long as other answers are kept for replay.
REPEATABLE = timedelta(hours=24)
# Deliveries of one replay; another request goes on.
MOST_REPLAYED = 200
# A delivery that is so long overdue has lost its message.
LOST = timedelta(hours=1)
ABSENT = "There is no such webhook."


def create(caller: Caller, command: CreateWebhook, *, idempotency_key: str | None = None) -> tuple[Webhook, str]:
    """Make a webhook; with its signing secret, which is shown once, and again to a repeated request.

    Raises LiveKeyRequired, IdempotencyKeyReused, and Conflict when there are too many or a repeat comes after a day.
    """
    caller.require_live()
    webhook_id = _id(caller, idempotency_key)
    existing = store.get(caller.user_id, webhook_id) if idempotency_key else None
    if existing is None:
        if len(store.webhooks_of(caller.user_id)) >= MOST_WEBHOOKS:
            raise Conflict(f"A tenant has at most {MOST_WEBHOOKS} webhooks; delete one that is not needed.")
        now = clock.timestamp()
        secret = signing.secret(caller.user_id, webhook_id, 1)
        webhook = Webhook(
            id=webhook_id,
            user_id=caller.user_id,
            **command.model_dump(),
            fingerprint=hashed(secret),
            created_at=now,
            updated_at=now,
        )
        if store.put(webhook):
            return webhook, secret
        existing = _require(caller, webhook_id)
    if (existing.url, existing.events, existing.style) != (command.url, command.events, command.style):
        raise IdempotencyKeyReused("This Idempotency-Key came with another body before.")
    if clock.parse(existing.created_at) + REPEATABLE < clock.now():
        raise Conflict("The webhook that was made under this Idempotency-Key is over a day old; rotate its secret.")
    return existing, signing.secret(caller.user_id, webhook_id, existing.generation)


def list_webhooks(caller: Caller, paging: Paging) -> Page[Webhook]:
    """The tenant's webhooks, newest first."""
    return store.page_of(caller.user_id, paging)


def get(caller: Caller, webhook_id: str) -> Webhook:
    """The tenant's webhook. Raises NotFound."""
    return _require(caller, webhook_id)


def delete(caller: Caller, webhook_id: str) -> None:
    """Send nothing to a webhook any more. Raises NotFound, LiveKeyRequired."""
    caller.require_live()
    if not store.delete(caller.user_id, webhook_id):
        raise NotFound(ABSENT)


def rotate(
    caller: Caller, webhook_id: str, command: RotateSecret, *, idempotency_key: str | None = None
) -> tuple[Webhook, str]:
    """Give a webhook another secret; for the overlap, deliveries are signed with the one before as well.

    A repeated request rotates once: two rotations would end the overlap of the first one. Raises NotFound, StaleStatus,
    LiveKeyRequired.
    """
    caller.require_live()
    webhook = _require(caller, webhook_id)
    request = hashed(idempotency_key) if idempotency_key else None
    if request is None or request != webhook.rotated_by:
        until = clock.now() + timedelta(hours=command.overlap_hours)
        put = {
            "previous_until": clock.timestamp(until),
            "fingerprint": hashed(signing.secret(caller.user_id, webhook_id, webhook.generation + 1)),
        }
        webhook = store.rotate(
            webhook, put | ({"rotated_by": request} if request else {}), () if request else ("rotated_by",)
        )
    return webhook, signing.secret(caller.user_id, webhook_id, webhook.generation)


def list_deliveries(caller: Caller, webhook_id: str, query: ListDeliveries) -> Page[Delivery]:
    """The deliveries of the last 30 days to a webhook, newest first. Raises NotFound."""
    _require(caller, webhook_id)
    return store.page_of_deliveries(caller.user_id, [webhook_id], query)


def list_all_deliveries(caller: Caller, query: ListDeliveries) -> Page[Delivery]:
    """The deliveries of the last 30 days to the webhooks that the tenant has, newest first."""
    return store.page_of_deliveries(caller.user_id, store.webhook_ids(caller.user_id), query)


def replay(caller: Caller, webhook_id: str, command: Replay) -> tuple[Webhook, int, bool]:
    """Enable a webhook and send deliveries again; how many, and whether there are more for another request.

    Raises NotFound, LiveKeyRequired.
    """
    caller.require_live()
    webhook = _require(caller, webhook_id)
    if not webhook.enabled or webhook.failing_since:
        enabled = store.enable(webhook)
        if enabled is None:
            raise NotFound(ABSENT)
        webhook = enabled
    if command.delivery_id is not None:
        delivery = store.read(delivery_key(caller.user_id, webhook_id, command.delivery_id))
        if delivery is None:
            raise NotFound("There is no such delivery.")
        chosen = [delivery]
    else:
        since = clock.timestamp(command.since) if command.since else ""
        chosen = [one for one in store.deliveries_of(caller.user_id, webhook_id) if _is_left(one, since)]
    again = [delivery_key(one.user_id, one.webhook_id, one.id) for one in chosen[:MOST_REPLAYED] if store.replay(one)]
    due.send(settings().deliveries_queue_url, again)
    return webhook, len(again), len(chosen) > MOST_REPLAYED


def _is_left(delivery: Delivery, since: str) -> bool:
    """Whether a delivery was not made, and nothing is going to make it."""
    lost = delivery.status == DeliveryStatus.PENDING and delivery.next_attempt_at <= clock.timestamp(clock.now() - LOST)
    over = delivery.status in (DeliveryStatus.FAILED, DeliveryStatus.HELD)
    return (over or lost) and delivery.created_at >= since


def _require(caller: Caller, webhook_id: str) -> Webhook:
    webhook = store.get(caller.user_id, webhook_id)
    if webhook is None:
        raise NotFound(ABSENT)
    return webhook


def _id(caller: Caller, idempotency_key: str | None) -> str:
    """The id of a new webhook: the same one for a repeated request."""
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.UUID(bytes=derive("webhook id", caller.user_id, idempotency_key)[:16], version=4))
