"""Delivering events to webhooks: an attempt, and when the next one is.

A delivery's message goes back into the queue with a delay until it is done: SQS holds one back for 15 min at most, so a
long pause takes several. Which attempt is next, and when, stands in the row.
"""

from datetime import timedelta
from http import HTTPStatus

from kindling.events import connection, signing, store
from kindling.events.connection import Unreachable
from kindling.events.model import RETRIES, Delivery, DeliveryStatus, Webhook, delivery_key, is_exhausted
from kindling.events.signing import SecretReplaced
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.settings import settings

TIMEOUT_SECONDS = 15.0
# Longer than an attempt; if the function dies in it, another may begin then.
LEASE = timedelta(seconds=60)
# A webhook that did not answer in time rests in this environment, so that those of others are not kept waiting.
REST = timedelta(seconds=30)
MOST_CHARACTERS = 200  # of a receiver's answer that is kept

_resting: dict[str, float] = {}


def attempt(key: dict[str, str]) -> None:
    """Make the attempt of a delivery that is due, or send its message back until it is. Raises StoreUnavailable."""
    delivery = store.read(key)
    if delivery is None or delivery.status != DeliveryStatus.PENDING:
        return
    pause = clock.parse(delivery.next_attempt_at) - clock.now()
    rest = timedelta(seconds=_resting.get(delivery.webhook_id, 0.0) - clock.monotonic())
    if max(pause, rest) > timedelta(0):
        _queue(delivery, max(pause, rest))
        return
    webhook = store.get(delivery.user_id, delivery.webhook_id)
    if webhook is None:
        return
    if not webhook.enabled:
        store.hold(delivery)
        return
    begun = store.claim(delivery, LEASE)
    if begun:
        _deliver(webhook, begun)


def _deliver(webhook: Webhook, delivery: Delivery) -> None:
    body = delivery.payload.encode()
    error, status = None, None
    try:
        headers = {"Content-Type": "application/json", "User-Agent": "Kindling", "Connection": "close"}
        headers |= signing.headers(webhook, delivery.id, body)
        answer = connection.post(webhook.url, headers, body, clock.left(TIMEOUT_SECONDS))
        status = answer.status
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            error = f"It answered {status}: {answer.text[:MOST_CHARACTERS]}"
    except (Unreachable, SecretReplaced) as failure:
        error = str(failure)
    if error is None and status is not None:
        store.succeed(delivery, status)
        if webhook.failing_since:
            store.note_success(webhook)
    else:
        _failed(webhook, delivery, error or "", status)
    logger.info(
        "delivery attempted",
        webhook_id=webhook.id,
        event_id=delivery.id,
        status=status,
        attempts=delivery.attempts,
        delivered=error is None,
    )


def _failed(webhook: Webhook, delivery: Delivery, error: str, status: int | None) -> None:
    now = clock.now()
    if status is None:
        _resting[webhook.id] = clock.monotonic() + REST.total_seconds()
    if delivery.attempts > len(RETRIES):
        store.give_up(delivery, error, status)
    else:
        pause = RETRIES[delivery.attempts - 1]
        if store.put_off(delivery, error, status, now + pause):
            _queue(delivery, pause)
    if webhook.failing_since is None:
        store.note_failure(webhook, clock.timestamp(now))
    elif is_exhausted(clock.parse(webhook.failing_since), now):
        logger.warning("webhook disabled", webhook_id=webhook.id, failing_since=webhook.failing_since)
        store.disable(webhook, clock.timestamp(now))


def _queue(delivery: Delivery, pause: timedelta) -> None:
    key = delivery_key(delivery.user_id, delivery.webhook_id, delivery.id)
    due.send(settings().deliveries_queue_url, [key], pause)
