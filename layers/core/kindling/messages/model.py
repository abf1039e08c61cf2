"""A message that passed the gate, as the log has it.

It is kept under an id that follows from the provider's id of the message, so that a report about it is a read by key. A
message whose sending had no clear outcome has no such id: it is kept under one that follows from its Idempotency-Key,
and keeps that when a repeat tells the provider's.
"""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from kindling.platform import clock
from kindling.platform.addresses import Address
from kindling.platform.paging import Paging
from kindling.platform.settings import settings

# Bounces come within the 4 or 5 days for which servers try (RFC 5321, section 4.5.4.1), complaints when somebody reads
# the message. Shorter than metrics keep an hour, so that no report makes anew an hour that has expired.
REPORTED = timedelta(days=35)
# The characters of a subject that are kept.
SUBJECT_LENGTH = 200
# Enough for 50 recipients whose sending, delivery and opening is told one by one.
MOST_EVENTS = 150


class Status(StrEnum):
    """What became of a message or of one of its recipients; each outranks those before it.

    `unknown` is a message that the provider may have or not: its answer did not come.
    """

    UNKNOWN = "unknown"
    QUEUED = "queued"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


RANKS = list(Status)
# What an event says about its recipients.
MEANINGS = {
    "sent": Status.QUEUED,
    "delivered": Status.DELIVERED,
    "opened": Status.DELIVERED,
    "clicked": Status.DELIVERED,
    "rejected": Status.REJECTED,
    "bounced": Status.BOUNCED,
    "complained": Status.COMPLAINED,
}


class Event(BaseModel):
    """What was reported about recipients of a message; none are named when the report names none.

    `kind` is that of a bounce, as far as it is known.
    """

    event_type: str
    at: str
    recipients: list[str] = []
    kind: str | None = None


class Outcome(BaseModel):
    """What became of one recipient, by the event of the highest rank, and when."""

    status: Status
    at: str
    kind: str | None = None


class Message(BaseModel):
    """A message and its sender. `sent_at` is the minute in which the gate counted it, `own` are the tenant's domains.

    Of these, only domains of its recipients are named. `created_at` is the instant of sending. `status` is what sending
    told, before any report; `idempotency_key` is that of a message whose status is or was unknown. `key_id` and
    `request_id` are the API key and the request with which it was sent first. An erased recipient is in no list any
    more and counted in `erased`.
    """

    id: str
    user_id: str
    domain_id: str
    account_id: str
    sent_at: str
    created_at: str
    key_id: str | None = None
    request_id: str | None = None
    message_id: str | None = None
    status: Status = Status.QUEUED
    sender: str = ""
    to: list[str] = []
    cc: list[str] = []
    bcc: list[str] = []
    subject: str = ""
    tags: list[str] = []
    own: list[str] = []
    idempotency_key: str | None = None
    events: list[Event] = []
    erased: int = 0

    @property
    def sent(self) -> datetime:
        return clock.parse(self.sent_at)

    @property
    def settled(self) -> datetime:
        """From when on nothing that is reported about it counts."""
        return self.sent + REPORTED

    @property
    def expires(self) -> datetime:
        """When it is forgotten; not before it is settled."""
        return self.sent + timedelta(days=settings().message_log_days)

    @property
    def recipients(self) -> list[str]:
        """The addresses of its recipients, each once."""
        return list(dict.fromkeys([*self.to, *self.cc, *self.bcc]))

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """What became of each recipient."""
        found = {one: Outcome(status=self.status, at=self.created_at) for one in self.recipients}
        for event in self.events:
            meaning = MEANINGS[event.event_type]
            # An event that names nobody is about everybody, as a rejection is.
            for one in event.recipients or found:
                if one in found and RANKS.index(meaning) > RANKS.index(found[one].status):
                    found[one] = Outcome(status=meaning, at=event.at, kind=event.kind)
        return found

    @property
    def outcome(self) -> Status:
        """The worst that befell a recipient; `delivered` once one of them has it and none fared worse."""
        told = [MEANINGS[event.event_type] for event in self.events]
        return max([self.status, *told], key=RANKS.index)

    @property
    def history(self) -> list[Event]:
        """All events, its sending first."""
        return [Event(event_type=self.status, at=self.created_at, recipients=self.recipients), *self.events]

    def about(self, address: str) -> "Message":
        """The message as far as it is about one of its recipients: no other is named, and no event of others is in it.

        An event that names nobody is about everybody.
        """
        kept = {name: [one for one in getattr(self, name) if one == address] for name in ("to", "cc", "bcc")}
        events = [
            event.model_copy(update={"recipients": [address] if event.recipients else []})
            for event in self.events
            if not event.recipients or address in event.recipients
        ]
        return self.model_copy(update={**kept, "events": events})

    def without(self, address: str) -> "Message":
        """The message without one of its recipients, and without its subject and tags, which may name them."""
        kept = {name: [one for one in getattr(self, name) if one != address] for name in ("to", "cc", "bcc")}
        events = [
            event.model_copy(update={"recipients": [one for one in event.recipients if one != address]})
            for event in self.events
        ]
        return self.model_copy(update={**kept, "subject": "", "tags": [], "events": events, "erased": self.erased + 1})


class ListMessages(Paging):
    """The query of `GET /v1/emails`; `domain` is a name or an id, `subject` a part of one, `to` any recipient.

    `since` is included, `until` is not.
    """

    status: Status | None = None
    sender: Address | None = Field(default=None, alias="from")
    to: Address | None = None
    subject: str = ""
    domain: str = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    limit: int = Field(default=50, ge=1, le=100)

    def shows(self, message: Message) -> bool:
        """Whether the list shows the message; its place in time aside."""
        return (
            self.status in (None, message.outcome)
            and self.sender in (None, message.sender)
            and (self.to is None or self.to in message.recipients)
            and self.subject.lower() in message.subject.lower()
            and self.domain.lower() in ("", message.domain_id, message.sender.rpartition("@")[2])
        )


class ExportRecipient(Paging):
    """The query of `GET /v1/recipients/export`, for a page of messages."""

    email: Address
    limit: int = Field(default=50, ge=1, le=100)


class EraseRecipient(BaseModel):
    """The body of `POST /v1/recipients/erase`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"email": "pat@example.com"}]})

    email: Address


def message_id_of(user_id: str, provider_id: str) -> str:
    """The id of a tenant's message by the provider's id of it."""
    return _derived(user_id, provider_id)


def unclear_id_of(provider_key: str, minute: str) -> str:
    """The id of a message without a clear outcome, by its key at the provider and the minute of the gate."""
    return _derived(provider_key, minute)


def message_key(user_id: str, identity: str) -> dict[str, str]:
    """The key of a tenant's message by its id."""
    return {"pk": f"TENANT#{user_id}#MESSAGE#{identity}", "sk": "MESSAGE"}


def recipient_partition(user_id: str, address: str) -> str:
    """The partition key of a tenant's messages to an address."""
    return f"TENANT#{user_id}#RECIPIENT#{address}"


def place(created_at: str, identity: str) -> str:
    """The sort key of a message among those to an address."""
    return f"{created_at}#{identity}"


def kept_events(message: Message, events: Iterable[Event]) -> list[Event]:
    """Those of new events that the message has room for; only recipients that are in the message are named."""
    known = set(message.recipients)
    named = [
        event.model_copy(update={"recipients": [one for one in event.recipients if one in known]}) for event in events
    ]
    return named[: max(MOST_EVENTS - len(message.events), 0)]


def as_item(message: Message) -> dict[str, Any]:
    """The attributes of a message's item."""
    row = message.model_dump(mode="json", exclude_defaults=True)
    return {
        **message_key(message.user_id, message.id),
        **row,
        "owner": f"{message.user_id}#email",
        "expires_at": int(message.expires.timestamp()),
    }


def _derived(*parts: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(parts)))
