"""Receiving AgentMail's webhooks. Counts are only added to and an event counts once, so order does not matter.

A report counts where its message was counted: on the day of sending, for the domain that sent it.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TypeGuard

from pydantic import ValidationError

from kindling.accounts import claims as addresses
from kindling.accounts.claims import ClaimStatus
from kindling.domains import claims as names
from kindling.domains import dispatch as checks
from kindling.errors import InvalidRequest, StoreUnavailable, Unauthorized
from kindling.messages import parts as log
from kindling.messages import service as messages
from kindling.messages.model import Message
from kindling.metrics import mailboxes
from kindling.metrics import parts as metrics
from kindling.metrics.model import UNGATED
from kindling.platform import aws, clock
from kindling.platform.observability import WEBHOOK_LAG, logger
from kindling.platform.settings import settings
from kindling.platform.table import Part
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials
from kindling.suppressions import parts as suppressions
from kindling.suppressions.model import Source, suppression
from kindling.warming import dispatch as judgements
from kindling.webhooks import signature, store
from kindling.webhooks.model import (
    ALARMING,
    REPEATED,
    Event,
    MessageEvent,
    VerifiedDomain,
    counts,
    field_of,
    logged,
    suppressed,
)

# As long after an alarm, its message may still be on its way into the table. AgentMail repeats what is refused after
# 5 s and after 5 min.
UNSETTLED = timedelta(seconds=60)
# A message is recorded as soon as AgentMail has answered. A report that is younger than this may be faster, and its
# message is looked for again after these seconds.
FRESH = timedelta(seconds=5)
LOOKS_AGAIN = (0.5, 1.0)
# An event about an unknown message counts on the day of its own timestamp, unless that is implausible.
OLDEST = timedelta(days=7)
NEWEST = timedelta(minutes=5)


def receive(headers: dict[str, str], body: bytes, tenant: str = SHARED) -> dict[str, bool]:
    """Handle one webhook of the shared organisation, or of that of a `tenant`; `counted`: whether it changed anything.

    Who knows a signing secret can make up events: they concern nobody but the tenants of its organisation. Raises
    Unauthorized for a bad signature, InvalidRequest for a body that is not an event, StoreUnavailable also for an alarm
    that comes too early to know its message.
    """
    webhook_id = signature.verify(_secret(tenant), headers, body)
    try:
        event = Event.model_validate_json(body)
        content = event.content
    except ValidationError as error:
        raise InvalidRequest("The body is not one of AgentMail's events.", fields=[]) from error
    event_id = event.event_id or webhook_id
    match content:
        case VerifiedDomain():
            counted = checks.dispatch_name(content.domain.strip().lower(), tenant) > 0
        case MessageEvent():
            # What a tenant signs itself says nothing about the provider.
            if tenant == SHARED and content.timestamp and content.timestamp.tzinfo:
                WEBHOOK_LAG.add(max((clock.now() - content.timestamp).total_seconds(), 0.0))
            counted = _count(event.event_type, event_id, content, tenant)
        case None:
            counted = False
    logger.info("webhook received", event_type=event.event_type, event_id=event_id, counted=counted)
    return {"received": True, "counted": counted}


def _secret(tenant: str) -> str:
    """The signing secret of an organisation. Raises Unauthorized for a tenant without its own."""
    if tenant == SHARED:
        return aws.secret(settings().agentmail_webhook_secret)
    arn = credentials.secrets_of(tenant).get(credentials.AGENTMAIL_WEBHOOK)
    if arn is None:
        raise Unauthorized(signature.REFUSED)
    return aws.secret(arn)


def _count(event_type: str, event_id: str, event: MessageEvent, organisation: str) -> bool:
    field, inbox = field_of(event_type, event), event.inbox_id.lower()
    owner = _owner(inbox) if field else None
    if field is None or owner is None or credentials.workspace(credentials.AGENTMAIL, owner[0]) != organisation:
        return False
    user_id, domain_id = owner
    message = _message(user_id, event)
    if message is None and field in ALARMING and _is_younger(event.timestamp, UNSETTLED):
        raise StoreUnavailable("The message is not known yet.")
    if event_type in REPEATED:
        # Hashed, because a key has at most 2,048 bytes.
        about = "\n".join([event.message_id, *event.addresses])
        event_id = f"{event_type}#{sha256(about.encode()).hexdigest()}"
    actions = _counted(user_id, domain_id, message, field, event)
    if message:
        actions += log.reported(message, logged(field, event, clock.timestamp(_instant(event.timestamp))))
    for address, reason in suppressed(field, event).items():
        actions.append(suppressions.added(suppression(user_id, address, reason, Source.WEBHOOK)))
    fresh = store.once(f"{organisation}/{event_id}" if organisation else event_id, actions)
    if message and field in ALARMING:
        # Also for a repeated event: the process that counted it may have died before it queued the judgement.
        _alarm(message, inbox.rpartition("@")[2])
    return fresh


def _message(user_id: str, event: MessageEvent) -> Message | None:
    """The message that is reported about, None when it did not pass the gate."""
    found = messages.find(user_id, event.message_id)
    for seconds in LOOKS_AGAIN if _is_younger(event.timestamp, FRESH) else ():
        if found is None:
            clock.sleep(seconds)
            found = messages.find(user_id, event.message_id)
    return found


def _owner(inbox: str) -> tuple[str, str] | None:
    """The tenant and domain of an inbox: those of its account, also after its deletion; else the name's verifier."""
    claim = addresses.find(inbox)
    if claim and claim.status != ClaimStatus.RESERVED and claim.domain_id:
        return claim.user_id, claim.domain_id
    verifier = names.verifier(inbox.rpartition("@")[2])
    return (verifier.user_id, verifier.domain_id) if verifier and verifier.domain_id else None


def _counted(user_id: str, domain_id: str, message: Message | None, field: str, event: MessageEvent) -> Part:
    if message is None:
        everybody = counts(field, event, lambda _: UNGATED)
        return metrics.counted(user_id, domain_id, _instant(event.timestamp), everybody)
    own = message.own
    by_class = counts(field, event, lambda address: mailboxes.class_of(address, own))
    return metrics.counted(user_id, message.domain_id, message.sent, by_class)


def _alarm(message: Message, name: str) -> None:
    """Queue the judgement of the domains that the message's name has now: its tenant's, and its verifier's."""
    judgements.dispatch_domain(message.user_id, names.domain_id_of(message.user_id, name) or message.domain_id)
    verifier = names.verifier(name)
    if verifier and verifier.domain_id and verifier.user_id != message.user_id:
        judgements.dispatch_domain(verifier.user_id, verifier.domain_id)


def _is_younger(timestamp: datetime | None, age: timedelta) -> bool:
    """Whether an event is so recent that its message may not have been recorded yet; without a timestamp, it is not."""
    return _is_plausible(timestamp) and clock.now() - timestamp < age


def _instant(timestamp: datetime | None) -> datetime:
    return timestamp.astimezone(UTC) if _is_plausible(timestamp) else clock.now()


def _is_plausible(timestamp: datetime | None) -> TypeGuard[datetime]:
    now = clock.now()
    return timestamp is not None and timestamp.tzinfo is not None and now - OLDEST <= timestamp <= now + NEWEST
