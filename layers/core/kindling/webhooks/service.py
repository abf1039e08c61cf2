"""Receiving AgentMail's webhooks. Counts are only added to and an event counts once, so order does not matter."""

from datetime import datetime, timedelta
from hashlib import sha256

from pydantic import ValidationError

from kindling.accounts import claims as addresses
from kindling.accounts.claims import ClaimStatus
from kindling.domains import claims as names
from kindling.domains import dispatch as checks
from kindling.errors import InvalidRequest, Unauthorized
from kindling.metrics import parts as metrics
from kindling.platform import aws, clock
from kindling.platform.observability import WEBHOOK_LAG, logger
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials
from kindling.suppressions import parts as suppressions
from kindling.suppressions.model import Source, suppression
from kindling.warming import dispatch as judgements
from kindling.webhooks import signature, store
from kindling.webhooks.model import (
    REPEATED,
    Event,
    MessageEvent,
    VerifiedDomain,
    field_of,
    suppressed_for,
)

# Counts that may stop a domain: they queue its judgement.
ALARMING = ("bounced", "hard_bounced", "complained")
# An event without recipient addresses is about one recipient.
ONE_UNKNOWN = ("",)
# An event counts on the day of its own timestamp, unless that is implausible.
OLDEST = timedelta(days=7)
NEWEST = timedelta(minutes=5)


def receive(headers: dict[str, str], body: bytes, tenant: str = SHARED) -> dict[str, bool]:
    """Handle one webhook of the shared organisation, or of that of a `tenant`; `counted`: whether it changed anything.

    Who knows a signing secret can make up events: they concern nobody but the tenants of its organisation. Raises
    Unauthorized for a bad signature, InvalidRequest for a body that is not an event.
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
    field = field_of(event_type, event)
    owner = _owner(event.inbox_id.lower(), field) if field else None
    if field is None or owner is None:
        return False
    user_id, domain_id = owner
    if credentials.workspace(credentials.AGENTMAIL, user_id) != organisation:
        return False
    if event_type in REPEATED:
        # Hashed, because a key has at most 2,048 bytes.
        about = "\n".join([event.message_id, *event.addresses])
        event_id = f"{event_type}#{sha256(about.encode()).hexdigest()}"
    actions = metrics.counted(user_id, domain_id, _instant(event.timestamp), field, event.addresses or ONE_UNKNOWN)
    reason = suppressed_for(field)
    if reason:
        entries = [suppression(user_id, address, reason, Source.WEBHOOK) for address in dict.fromkeys(event.addresses)]
        actions += [suppressions.added(entry) for entry in entries]
    fresh = store.once(f"{organisation}/{event_id}" if organisation else event_id, actions)
    if field in ALARMING:
        # Also for a repeated event: the process that counted it may have died before it queued the judgement.
        judgements.dispatch_domain(user_id, domain_id)
    return fresh


def _owner(inbox: str, field: str) -> tuple[str, str] | None:
    """The tenant and domain of an inbox: those of its account, also after its deletion; else the name's verifier.

    What may stop a domain counts for the domain that the tenant has under the name now.
    """
    claim, name = addresses.find(inbox), inbox.rpartition("@")[2]
    if claim and claim.status != ClaimStatus.RESERVED and claim.domain_id:
        now = names.domain_id_of(claim.user_id, name) if field in ALARMING else None
        return claim.user_id, now or claim.domain_id
    verifier = names.verifier(name)
    return (verifier.user_id, verifier.domain_id) if verifier and verifier.domain_id else None


def _instant(timestamp: datetime | None) -> datetime:
    now = clock.now()
    if timestamp is None or timestamp.tzinfo is None or not now - OLDEST <= timestamp <= now + NEWEST:
        return now
    return timestamp.astimezone(now.tzinfo)
