"""DynamoDB calls for webhooks and deliveries."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from kindling.errors import StaleStatus
from kindling.events.model import (
    KEPT,
    Delivery,
    DeliveryStatus,
    ListDeliveries,
    Webhook,
    delivery_key,
    webhook_key,
)
from kindling.platform import clock, table
from kindling.platform.paging import CHUNK, MOST_READ, Page, Paging, fill, page, position
from kindling.platform.table import Attr, Item, Key

# What sorts behind every instant.
LAST = "~"


def get(user_id: str, webhook_id: str) -> Webhook | None:
    item = table.get(webhook_key(user_id, webhook_id))
    return Webhook.model_validate(item) if item else None


def webhooks_of(user_id: str) -> list[Webhook]:
    """The tenant's webhooks, consistently read."""
    return [Webhook.model_validate(item) for item in table.below(f"TENANT#{user_id}", "WEBHOOK#")]


def page_of(user_id: str, paging: Paging) -> Page[Webhook]:
    """The tenant's webhooks, newest first."""
    return page(f"{user_id}#webhook", Webhook.model_validate, paging)


def put(webhook: Webhook) -> bool:
    """Write the row of a new webhook; False when there is one with its id already."""
    row = webhook.model_dump(mode="json", exclude_none=True)
    item = {**webhook_key(webhook.user_id, webhook.id), "owner": f"{webhook.user_id}#webhook", **row}
    try:
        table.put(item, ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return False
    return True


def delete(user_id: str, webhook_id: str) -> bool:
    """Remove a webhook; whether there was one. Its deliveries expire."""
    try:
        table.delete(webhook_key(user_id, webhook_id), ConditionExpression=Attr("pk").exists())
    except table.ConditionFailed:
        return False
    return True


def rotate(webhook: Webhook, put: dict[str, Any], drop: tuple[str, ...]) -> Webhook:
    """Write the next generation of a webhook's secret. Raises StaleStatus when another rotation came first."""
    generation = webhook.generation
    changes = table.assigned(put | {"generation": generation + 1, "updated_at": clock.timestamp()}, drop)
    unchanged = Attr("generation").eq(generation)
    key = webhook_key(webhook.user_id, webhook.id)
    try:
        item = table.update(key, ConditionExpression=unchanged, ReturnValues="ALL_NEW", **changes)
    except table.ConditionFailed as lost:
        raise StaleStatus("Another rotation of this secret came first; try again.") from lost
    return Webhook.model_validate(item)


def enable(webhook: Webhook) -> Webhook | None:
    """Let a webhook be sent to again, with all its patience; None when it was deleted meanwhile."""
    key = webhook_key(webhook.user_id, webhook.id)
    item = table.change(key, {"enabled": True}, ("failing_since", "disabled_at"))
    return Webhook.model_validate(item) if item else None


def note_success(webhook: Webhook) -> None:
    """Forget the failures of a webhook to which something was delivered."""
    _change(webhook, Attr("pk").exists(), {}, ("failing_since",))


def note_failure(webhook: Webhook, now: str) -> None:
    """Record that a webhook has failed since `now`, unless it has failed since before."""
    _change(webhook, Attr("pk").exists() & Attr("failing_since").not_exists(), {"failing_since": now})


def disable(webhook: Webhook, now: str) -> None:
    """Send nothing to a webhook any more, unless something was delivered to it meanwhile."""
    still = Attr("enabled").eq(True) & Attr("failing_since").eq(webhook.failing_since)
    _change(webhook, still, {"enabled": False, "disabled_at": now})


def add(delivery: Delivery) -> None:
    """Write a new delivery; one that was written before is not changed."""
    item = {
        **delivery_key(delivery.user_id, delivery.webhook_id, delivery.id),
        "owner": f"{delivery.user_id}#delivery#{delivery.webhook_id}",
        **delivery.model_dump(mode="json", exclude_none=True),
        "expires_at": int((clock.now() + KEPT).timestamp()),
    }
    try:
        table.put(item, ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return


def read(key: dict[str, str]) -> Delivery | None:
    """The delivery at a key."""
    item = table.get(key)
    return Delivery.model_validate(item) if item else None


def deliveries_of(user_id: str, webhook_id: str) -> Iterator[Delivery]:
    """The deliveries to a webhook, consistently read."""
    return map(Delivery.model_validate, table.below(f"TENANT#{user_id}", f"DELIVERY#{webhook_id}#"))


def webhook_ids(user_id: str) -> list[str]:
    """The ids of the tenant's webhooks; the index is eventually consistent."""
    return [str(item["id"]) for item in table.owned(f"{user_id}#webhook")]


def page_of_deliveries(user_id: str, webhooks: Iterable[str], query: ListDeliveries) -> Page[Delivery]:
    """The deliveries to any of the webhooks that match the query, newest first."""
    after = position(query.cursor) if query.cursor else None
    until = after["created_at"] if after else LAST
    lists = (_newest_first(f"{user_id}#delivery#{webhook_id}", until) for webhook_id in webhooks)
    merged = heapq.merge(*lists, key=_instant, reverse=True)
    rest = (item for item in merged if after is None or _instant(item) < _instant(after))
    return fill(rest, Delivery.model_validate, query.limit, shows=query.matches, most_read=MOST_READ)


def claim(delivery: Delivery, lease: timedelta) -> Delivery | None:
    """Begin an attempt, which nobody else begins before the lease is over; None when somebody has."""
    until = clock.timestamp(clock.now() + lease)
    return _move(delivery, {"next_attempt_at": until, "attempts": delivery.attempts + 1})


def succeed(delivery: Delivery, status: int) -> None:
    """Record that a delivery was taken, with the receiver's status."""
    put = {"status": DeliveryStatus.SUCCEEDED, "response_status": status, "delivered_at": clock.timestamp()}
    _move(delivery, put, ("last_error",))


def put_off(delivery: Delivery, error: str, status: int | None, until: datetime) -> Delivery | None:
    """Record a failed attempt and when the next one is; None when the delivery has changed meanwhile."""
    return _fail(delivery, error, status, {"next_attempt_at": clock.timestamp(until)})


def give_up(delivery: Delivery, error: str, status: int | None) -> None:
    """Record the last attempt that a delivery had, in vain."""
    _fail(delivery, error, status, {"status": DeliveryStatus.FAILED})


def hold(delivery: Delivery) -> None:
    """Keep a delivery to a disabled webhook until it is replayed."""
    _move(delivery, {"status": DeliveryStatus.HELD})


def replay(delivery: Delivery) -> bool:
    """Make a delivery due now, with all its attempts before it; False when it has changed meanwhile."""
    put = {"status": DeliveryStatus.PENDING, "attempts": 0, "next_attempt_at": clock.timestamp()}
    kept = {"expires_at": int((clock.now() + KEPT).timestamp())}
    return _move(delivery, put | kept, ("delivered_at",)) is not None


def _fail(delivery: Delivery, error: str, status: int | None, put: dict[str, Any]) -> Delivery | None:
    """Write what a failed attempt changes, with the receiver's status if it answered."""
    answered = {"response_status": status} if status else {}
    return _move(delivery, {"last_error": error, **put, **answered}, () if status else ("response_status",))


def _move(delivery: Delivery, put: dict[str, Any], drop: tuple[str, ...] = ()) -> Delivery | None:
    """Write attributes, unless the delivery has changed since it was read; None then."""
    seen = {"status": delivery.status, "attempts": delivery.attempts, "next_attempt_at": delivery.next_attempt_at}
    key = delivery_key(delivery.user_id, delivery.webhook_id, delivery.id)
    try:
        item = table.update(key, ReturnValues="ALL_NEW", **table.assigned(put, drop, seen=seen))
    except table.ConditionFailed:
        return None
    return Delivery.model_validate(item)


def _newest_first(owner: str, until: str) -> Iterator[Item]:
    """The items of an owner to `until`, it included, by `_instant`; the index leaves the order of one instant open."""
    where = Key("owner").eq(owner) & Key("created_at").lte(until)
    items = table.owned(owner, KeyConditionExpression=where, Limit=CHUNK)
    for _, together in groupby(items, key=lambda item: item["created_at"]):
        yield from sorted(together, key=_instant, reverse=True)


def _instant(item: Item) -> tuple[str, str]:
    """By what deliveries are sorted: those of one instant by their key."""
    return item["created_at"], item["sk"]


def _change(webhook: Webhook, condition: Any, put: dict[str, Any], drop: tuple[str, ...] = ()) -> None:
    changes = table.assigned(put | {"updated_at": clock.timestamp()}, drop)
    try:
        table.update(webhook_key(webhook.user_id, webhook.id), ConditionExpression=condition, **changes)
    except table.ConditionFailed:
        return
