"""AgentMail's events (docs.agentmail.to): the parts that are used here."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kindling.platform.addresses import address_in
from kindling.platform.tenancy import SHARED
from kindling.platform.text import ascii_lower
from kindling.suppressions.model import Reason

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
PERMANENT = "permanent"
# Reported as a complaint when a recipient moves a message out of the spam folder.
NOT_A_COMPLAINT = "not-spam"


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
    def addresses(self) -> list[str]:
        """The recipient addresses; empty when the event omits them, as opens and rejections do."""
        texts = [one if isinstance(one, str) else str(one.get("address", "")) for one in self.recipients]
        return [ascii_lower(address_in(text).strip()) for text in texts if "@" in text]


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
    if field == "bounced" and event.type.lower() == PERMANENT:
        return "hard_bounced"
    if field == "complained" and NOT_A_COMPLAINT in (event.type.lower(), event.sub_type.lower()):
        return None
    return field


def suppressed_for(field: str) -> Reason | None:
    """The reason to suppress the recipients of such an event; None when they are not suppressed."""
    return {"hard_bounced": Reason.HARD_BOUNCE, "complained": Reason.COMPLAINT}.get(field)
