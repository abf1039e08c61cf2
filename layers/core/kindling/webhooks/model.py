"""AgentMail's events (docs.agentmail.to): the parts that are used here."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kindling.messages.model import Event as Logged
from kindling.metrics.parts import Cell
from kindling.platform.addresses import address_in
from kindling.platform.tenancy import SHARED
from kindling.platform.text import ascii_lower
from kindling.suppressions.model import Reason
from kindling.webhooks import bounces

# By type: the field of the envelope that has the content, and the count that the event adds to.
MESSAGE_EVENTS = {
    "message.sent": ("send", "sent"),
    "message.delivered": ("delivery", "delivered"),
    "message.bounced": ("bounce", "bounced"),
    "message.complained": ("complaint", "complained"),
    "message.rejected": ("reject", "rejected"),
    "message.opened": ("open", "opened"),
    "message.clicked": ("click", "clicked"),
}
DOMAIN_VERIFIED = "domain.verified"
# Sent many times for one message; only the first is counted.
REPEATED = ("message.opened", "message.clicked")
# What may stop a domain.
ALARMING = ("bounced", "complained", "rejected")
# Reported as a complaint when a recipient moves a message out of the spam folder.
NOT_A_COMPLAINT = "not-spam"


class Recipient(BaseModel):
    """A recipient in an event: the address in lower case, empty when it is not told, and a bounce's status."""

    address: str = ""
    status: str = ""


class MessageEvent(BaseModel):
    """The content of a message event; a recipient is a mailbox, or an object with one."""

    model_config = ConfigDict(extra="ignore")

    inbox_id: str
    message_id: str
    timestamp: datetime | None = None
    type: str = ""
    sub_type: str = ""
    recipients: list[str | dict[str, Any]] = []

    @property
    def reported(self) -> list[Recipient]:
        """The recipients with an address; one without when the event omits them, as opens and rejections do."""
        told = [_recipient(one) for one in self.recipients]
        return [one for one in told if one.address] or [Recipient()]

    @property
    def addresses(self) -> list[str]:
        """The recipient addresses that the event tells."""
        return [one.address for one in self.reported if one.address]

    def bounce(self, recipient: Recipient) -> bounces.Bounce:
        """What the event says about one of its recipients, when it is a bounce."""
        return bounces.read(recipient.status, self.type, self.sub_type)


def _recipient(told: str | dict[str, Any]) -> Recipient:
    fields = {"address": told} if isinstance(told, str) else told
    text = str(fields.get("address", ""))
    address = ascii_lower(address_in(text).strip()) if "@" in text else ""
    return Recipient(address=address, status=str(fields.get("status", "")))


class Sender(BaseModel):
    """The query of `POST /webhooks/agentmail`: the tenant whose own organisation sends, none for the shared one."""

    model_config = ConfigDict(extra="forbid")

    tenant: str = Field(default=SHARED, pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$")


class VerifiedDomain(BaseModel):
    """The content of a domain event."""

    model_config = ConfigDict(extra="ignore")

    domain: str = Field(min_length=1)


class Event(BaseModel):
    """An event's envelope. Its content is a field whose name depends on the type."""

    model_config = ConfigDict(extra="allow")

    event_type: str
    event_id: str = ""

    @property
    def content(self) -> "MessageEvent | VerifiedDomain | None":
        """What the event is about; None for a type that is not used here. Raises ValidationError."""
        content = self.model_extra or {}
        if self.event_type == DOMAIN_VERIFIED:
            return VerifiedDomain.model_validate(content.get("domain"))
        if self.event_type in MESSAGE_EVENTS:
            return MessageEvent.model_validate(content.get(MESSAGE_EVENTS[self.event_type][0]))
        return None


def field_of(event_type: str, event: MessageEvent) -> str | None:
    """The count that an event adds to; None for an event that is not counted."""
    field = MESSAGE_EVENTS[event_type][1]
    if field == "complained" and NOT_A_COMPLAINT in (event.type.lower(), event.sub_type.lower()):
        return None
    return field


def counts(field: str, event: MessageEvent, class_of: Callable[[str], str]) -> Counter[Cell]:
    """What an event adds to each count and class; `class_of` gives that of an address, which may be empty."""
    return Counter(
        (counted, class_of(recipient.address))
        for recipient in event.reported
        for counted in (event.bounce(recipient).fields if field == "bounced" else [field])
    )


def logged(field: str, event: MessageEvent, at: str) -> list[Logged]:
    """An event as the log of its message has it: one entry, and for bounces one for each kind."""
    kinds: dict[str | None, list[str]] = {}
    for one in event.reported:
        kind = event.bounce(one).name if field == "bounced" else None
        kinds.setdefault(kind, []).extend([one.address] if one.address else [])
    return [Logged(event_type=field, at=at, recipients=told, kind=kind) for kind, told in kinds.items()]


def suppressed(field: str, event: MessageEvent) -> dict[str, Reason]:
    """The addresses that must not be written to again after an event, each with the reason."""
    if field == "complained":
        return dict.fromkeys(event.addresses, Reason.COMPLAINT)
    if field != "bounced":
        return {}
    bounced = [one.address for one in event.reported if one.address and event.bounce(one).of_address]
    return dict.fromkeys(bounced, Reason.HARD_BOUNCE)
