"""AgentMail's events (docs.agentmail.to): the parts that count something here."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from kindling.suppressions.model import Reason

# What each event is called inside its envelope, and the count that it feeds.
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
# Told again and again for one message; only the first time is counted.
REPEATED = ("message.opened", "message.clicked")
PERMANENT = "permanent"
# A recipient who took a message out of the spam folder is reported like a complaint.
NOT_A_COMPLAINT = "not-spam"


class MessageEvent(BaseModel):
    """What is said about a message; a recipient is an address, or an object that has one."""

    model_config = ConfigDict(extra="ignore")

    inbox_id: str
    message_id: str
    timestamp: datetime | None = None
    type: str = ""
    sub_type: str = ""
    recipients: list[str | dict[str, Any]] = []

    @property
    def addresses(self) -> list[str]:
        """Whom it is about; nobody where the provider does not say, as with opens and rejections."""
        found = [one if isinstance(one, str) else str(one.get("address", "")) for one in self.recipients]
        return [address.strip().lower() for address in found if "@" in address]


class VerifiedDomain(BaseModel):
    """What is said about a domain."""

    model_config = ConfigDict(extra="ignore")

    domain: str = Field(min_length=1)


class Event(BaseModel):
    """An event's envelope; what it tells stands under a key of the event's own."""

    model_config = ConfigDict(extra="allow")

    event_type: str
    event_id: str = ""

    @property
    def told(self) -> "MessageEvent | VerifiedDomain | None":
        """What it tells, None where that counts nothing here. Raises ValidationError when it is not told properly."""
        content = self.model_extra or {}
        if self.event_type == DOMAIN_VERIFIED:
            return VerifiedDomain.model_validate(content.get("domain"))
        if self.event_type in MESSAGE_EVENTS:
            return MessageEvent.model_validate(content.get(MESSAGE_EVENTS[self.event_type][0]))
        return None


def field_of(event_type: str, event: MessageEvent) -> str | None:
    """The count that an event feeds, None for none."""
    field = MESSAGE_EVENTS[event_type][1]
    if field == "bounced" and event.type.lower() == PERMANENT:
        return "hard_bounced"
    if field == "complained" and NOT_A_COMPLAINT in (event.type.lower(), event.sub_type.lower()):
        return None
    return field


def suppressed_for(field: str) -> Reason | None:
    """Why the recipients of such an event must not be written to again."""
    return {"hard_bounced": Reason.HARD_BOUNCE, "complained": Reason.COMPLAINT}.get(field)
