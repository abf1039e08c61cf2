"""Messages: sending, once per `Idempotency-Key`, and reading sent messages."""

import base64
import binascii
import hashlib
import itertools
import json
import uuid
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

import httpx

from kindling.platform import clock
from local.sandbox.agentmail import events
from local.sandbox.agentmail.domains import POD_ID, is_ready
from local.sandbox.agentmail.errors import body_of, invalid, not_found, refused
from local.sandbox.agentmail.inboxes import (
    ORGANIZATION_ID,
    SHARED_DOMAIN,
    find_inbox,
    find_live_inbox,
)
from local.sandbox.agentmail.paging import page
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Inbox, Message, SentKey, World

KEY_KEPT = timedelta(hours=24)
MAX_RECIPIENTS = 50
# Simulations send hundreds of thousands of messages; only the newest are kept in the state file.
KEPT_MESSAGES = 10_000
KEPT_KEYS = 100_000

Addresses = str | list[str]
routes = Routes("/v0")


class Attachment(Strict):
    filename: str | None = None
    content_type: str | None = None
    content_disposition: str | None = None
    content_id: str | None = None
    content: str | None = None
    url: str | None = None


class SendMessage(Strict):
    to: Addresses | None = None
    cc: Addresses | None = None
    bcc: Addresses | None = None
    reply_to: Addresses | None = None
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    labels: list[str] | None = None
    attachments: list[Attachment] | None = None
    headers: dict[str, str] | None = None
    track_opens: bool | None = None


@routes.on("POST", "/inboxes/{inbox_id}/messages/send")
def send_message(world: World, call: Call) -> httpx.Response:
    inbox = find_live_inbox(world, call)
    key = call.headers.get("idempotency-key")
    if key is not None and not key.strip():
        raise invalid(["Idempotency-Key"], "The idempotency key is empty")
    body = body_of(call, SendMessage)
    _refuse_bad_recipients(body)
    fingerprint = _fingerprint(call)
    now = clock.now()
    sent = world.sent_keys.get(key) if key else None
    if sent and sent.kept_until > now:
        if sent.fingerprint != fingerprint:
            raise refused(409, "conflict", "The idempotency key was used with another request")
        if sent.held_until and sent.held_until > now:
            raise refused(409, "conflict", "A request with the idempotency key is still running")
        return httpx.Response(200, json=sent.answer)
    _refuse_unless_able(world, inbox, body)
    message = _stored(world, inbox, body)
    events.publish_outcomes(world, message, _recipients(body), track_opens=body.track_opens is not False)
    answer = {"message_id": message.message_id, "thread_id": message.body["thread_id"]}
    if key:
        held_until = now + timedelta(seconds=call.held_seconds)
        sent = SentKey(fingerprint=fingerprint, answer=answer, held_until=held_until, kept_until=held_until + KEY_KEPT)
        _keep(world, key, sent)
    return httpx.Response(200, json=answer)


@routes.on("GET", "/inboxes/{inbox_id}/messages")
def list_messages(world: World, call: Call) -> httpx.Response:
    inbox = find_inbox(world, call)
    sent = [message for message in world.messages.values() if message.inbox_id == inbox.inbox_id]
    return page(call, "messages", sent, _item)


@routes.on("GET", "/inboxes/{inbox_id}/messages/{message_id}")
def get_message(world: World, call: Call) -> httpx.Response:
    inbox = find_inbox(world, call)
    message = world.messages.get(call.args["message_id"])
    if message is None or message.inbox_id != inbox.inbox_id:
        raise not_found("Message not found")
    return httpx.Response(200, json=shown(message))


def shown(message: Message) -> dict[str, Any]:
    return message.body


def _item(message: Message) -> dict[str, Any]:
    hidden = ("text", "html", "reply_to")
    return {name: value for name, value in message.body.items() if name not in hidden}


def _refuse_bad_recipients(body: SendMessage) -> None:
    recipients = _recipients(body)
    if not recipients:
        raise invalid(["to"], "At least one recipient is required")
    if len(recipients) > MAX_RECIPIENTS:
        raise invalid(["to"], f"At most {MAX_RECIPIENTS} recipients are allowed", "too_big")
    if any("@" not in recipient for recipient in recipients):
        raise invalid(["to"], "Invalid email address", "invalid_format")


def _refuse_unless_able(world: World, inbox: Inbox, body: SendMessage) -> None:
    if inbox.status == "paused":
        raise refused(403, "message_rejected", "Inbox is paused")
    domain = inbox.inbox_id.split("@")[1]
    if domain != SHARED_DOMAIN and not is_ready(world, domain):
        raise refused(403, "domain_not_verified", "Domain is not verified")
    if any(recipient.lower() in world.settings.rejected_recipients for recipient in _recipients(body)):
        raise refused(403, "message_rejected", "Recipient is suppressed")


def _keep(world: World, key: str, sent: SentKey) -> None:
    """Store an idempotency key, and delete expired ones: they are sorted by expiry."""
    world.sent_keys.pop(key, None)
    world.sent_keys[key] = sent
    for old in list(itertools.islice(world.sent_keys, 2)):
        if world.sent_keys[old].kept_until <= clock.now() or len(world.sent_keys) > KEPT_KEYS:
            del world.sent_keys[old]


def _fingerprint(call: Call) -> str:
    body = json.dumps(json.loads(call.content), sort_keys=True)
    return hashlib.sha256(f"{call.path.lower()}\n{body}".encode()).hexdigest()


def _stored(world: World, inbox: Inbox, body: SendMessage) -> Message:
    now = clock.timestamp()
    message_id = f"<{uuid.uuid4().hex}@email.amazonses.com>"
    fields: dict[str, Any] = {
        "organization_id": ORGANIZATION_ID,
        "pod_id": POD_ID,
        "inbox_id": inbox.inbox_id,
        "thread_id": str(uuid.uuid4()),
        "message_id": message_id,
        "labels": ["sent", *(body.labels or [])],
        "timestamp": now,
        "from": f"{inbox.display_name} <{inbox.inbox_id}>",
        "to": _listed(body.to),
        "cc": _listed(body.cc) or None,
        "bcc": _listed(body.bcc) or None,
        "reply_to": _listed(body.reply_to) or None,
        "subject": body.subject,
        "preview": (body.text or "")[:100] or None,
        "text": body.text,
        "html": body.html,
        "attachments": [_attached(attachment) for attachment in body.attachments or []] or None,
        "headers": body.headers,
        "size": len((body.text or "").encode()) + len((body.html or "").encode()),
        "updated_at": now,
        "created_at": now,
    }
    message = Message(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        inbox_id=inbox.inbox_id,
        message_id=message_id,
        body={name: value for name, value in fields.items() if value is not None},
    )
    world.messages[message_id] = message
    if len(world.messages) > KEPT_MESSAGES:
        del world.messages[next(iter(world.messages))]
    return message


def _attached(attachment: Attachment) -> dict[str, Any]:
    if (attachment.content is None) == (attachment.url is None):
        raise invalid(["attachments"], "Either content or url is required")
    try:
        size = len(base64.b64decode(attachment.content or "", validate=True))
    except binascii.Error:
        raise invalid(["attachments", "content"], "Invalid base64", "invalid_format") from None
    described = attachment.model_dump(exclude={"content", "url"}, exclude_none=True)
    return {"attachment_id": str(uuid.uuid4()), "size": size, **described}


def _recipients(body: SendMessage) -> list[str]:
    """The addresses of all recipients of the message, without display names."""
    given = [*_listed(body.to), *_listed(body.cc), *_listed(body.bcc)]
    return [parseaddr(recipient)[1] or recipient for recipient in given]


def _listed(addresses: Addresses | None) -> list[str]:
    return [addresses] if isinstance(addresses, str) else addresses or []
