"""From changes in the table to deliveries: what its stream brings is written down for each webhook that wants it.

The stream has every change that was committed, in the order of each item, and brings a record again until it was
handled. So nothing that writes a state has to know of events, and no event is lost when a function dies in between.
"""

import json
from functools import cache
from typing import Any

from kindling.events import store
from kindling.events.model import Delivery, DeliveryStatus, Event, Style, Webhook, delivery_key
from kindling.events.reading import events_in
from kindling.events.sentences import sentence
from kindling.platform import clock, due
from kindling.platform.settings import settings


def publish(records: list[Any]) -> dict[str, int]:
    """Write the deliveries of a batch of the stream, and queue them. Repeatable. Raises StoreUnavailable."""
    events = events_in(records)
    webhooks = cache(store.webhooks_of)
    deliveries = [
        _delivery(event, webhook)
        for event in events
        for webhook in webhooks(event.user_id)
        if webhook.wants(event.type) and event.subject != f"webhook/{webhook.id}"
    ]
    for delivery in deliveries:
        store.add(delivery)
    # Also those that were written before: the function may have died before it queued them.
    queued = [delivery_key(d.user_id, d.webhook_id, d.id) for d in deliveries if d.status == DeliveryStatus.PENDING]
    due.send(settings().deliveries_queue_url, queued)
    return {"events": len(events), "deliveries": len(deliveries)}


def _delivery(event: Event, webhook: Webhook) -> Delivery:
    return Delivery(
        id=event.id,
        user_id=event.user_id,
        webhook_id=webhook.id,
        event_type=event.type,
        payload=event.payload() if webhook.style == Style.STANDARD else _chat(event),
        status=DeliveryStatus.PENDING if webhook.enabled else DeliveryStatus.HELD,
        next_attempt_at=clock.timestamp(),
        created_at=event.created_at,
    )


def _chat(event: Event) -> str:
    return json.dumps({"text": sentence(event)})
