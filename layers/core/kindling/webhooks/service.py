"""Receiving AgentMail's webhooks. Counts only add up and an event counts once, so their order does not matter."""

from datetime import datetime, timedelta

from pydantic import ValidationError

from kindling.accounts import service as accounts
from kindling.domains import service as domains
from kindling.errors import InvalidRequest
from kindling.metrics import store as metrics
from kindling.platform import aws, clock
from kindling.platform.observability import logger
from kindling.platform.settings import settings
from kindling.suppressions import store as suppressions
from kindling.suppressions.model import Source
from kindling.warming import service as warmings
from kindling.webhooks import signature, store
from kindling.webhooks.model import (
    REPEATED,
    Event,
    MessageEvent,
    VerifiedDomain,
    field_of,
    suppressed_for,
)

# Counts that may stop a domain: it is judged at once.
ALARMING = ("bounced", "hard_bounced", "complained")
# An event that does not say whom it is about is about one recipient.
SOMEBODY = ("",)
# An event belongs to the day it happened on, but not to one that the provider cannot be reporting about.
OLDEST = timedelta(days=7)
NEWEST = timedelta(minutes=5)


def receive(headers: dict[str, str], body: bytes) -> dict[str, bool]:
    """Handle one webhook; whether it told something new that counts here.

    Raises Unauthorized for a bad signature, InvalidRequest for a body that is not an event.
    """
    webhook_id = signature.verify(aws.secret(settings().agentmail_webhook_secret), headers, body)
    try:
        event = Event.model_validate_json(body)
        told = event.told
    except ValidationError as error:
        raise InvalidRequest("The body is not one of AgentMail's events.", fields=[]) from error
    event_id = event.event_id or webhook_id
    match told:
        case VerifiedDomain():
            counted = _verified(told)
        case MessageEvent():
            counted = _count(event.event_type, event_id, told)
        case None:
            counted = False
    logger.info("webhook received", event_type=event.event_type, event_id=event_id, counted=counted)
    return {"received": True, "counted": counted}


def _verified(told: VerifiedDomain) -> bool:
    """Have every tenant's row of the domain looked at: what counts is what the provider says then."""
    return domains.look_soon(told.domain.strip().lower()) > 0


def _count(event_type: str, event_id: str, told: MessageEvent) -> bool:
    field = field_of(event_type, told)
    owner = _owner(told.inbox_id.lower()) if field else None
    if field is None or owner is None:
        return False
    user_id, domain_id = owner
    if event_type in REPEATED:
        event_id = f"{event_type}#{told.message_id}#{','.join(told.addresses)}"
    actions = metrics.added(user_id, domain_id, _instant(told.timestamp), field, told.addresses or SOMEBODY)
    reason = suppressed_for(field)
    if reason:
        entries = [suppressions.entry(user_id, address, reason, Source.WEBHOOK) for address in _unique(told)]
        actions += [suppressions.added(entry) for entry in entries]
    fresh = store.once(event_id, actions)
    if field in ALARMING:
        # Also for one that was counted before: whoever counted it may have died before it said so.
        warmings.judge_soon(user_id, domain_id)
    return fresh


def _owner(inbox: str) -> tuple[str, str] | None:
    """Tenant and domain that an inbox sends for: those of its account, whoever has verified the name since."""
    holder = accounts.last_holder(inbox)
    if holder:
        return holder.user_id, holder.domain_id
    return domains.verifier(inbox.rpartition("@")[2])


def _unique(told: MessageEvent) -> list[str]:
    return list(dict.fromkeys(told.addresses))


def _instant(told: datetime | None) -> datetime:
    now = clock.now()
    if told is None or told.tzinfo is None or not now - OLDEST <= told <= now + NEWEST:
        return now
    return told.astimezone(now.tzinfo)
