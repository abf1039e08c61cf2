"""The events that a sent message brings about: that it was sent, at once, and what became of it, when that is known."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kindling.platform import clock
from local.sandbox.agentmail import deliveries, fates
from local.sandbox.world import Message, World

TOLD = ("organization_id", "pod_id", "inbox_id", "thread_id", "message_id")


@dataclass(frozen=True)
class Kind:
    """How AgentMail tells of one kind of outcome; with a `status`, it tells that of every recipient."""

    outcome: str
    event_type: str
    key: str
    extras: dict[str, str] = field(default_factory=dict)
    status: str | None = None


KINDS = (
    Kind("reject", "message.rejected", "reject", {"reason": "Bad content"}),
    Kind("bounce", "message.bounced", "bounce", {"type": "Permanent", "sub_type": "General"}, "5.1.1"),
    Kind("soft_bounce", "message.bounced", "bounce", {"type": "Transient", "sub_type": "MailboxFull"}, "4.2.2"),
    Kind("delivery", "message.delivered", "delivery"),
    Kind("open", "message.opened", "open"),
    Kind("click", "message.clicked", "click"),
    Kind("complaint", "message.complained", "complaint", {"type": "abuse", "sub_type": "spam"}),
)


def tell(world: World, message: Message, recipients: list[str], *, track_opens: bool) -> None:
    """Publishes one event per kind of outcome, with all the recipients that it concerns."""
    now = clock.now()
    known_at = now + timedelta(seconds=world.settings.webhook_delay_seconds)
    about = {name: message.body[name] for name in TOLD}
    sent = {**about, "timestamp": clock.timestamp(now), "recipients": recipients}
    deliveries.publish(world, "message.sent", "send", sent, now)
    outcomes = fates.decide(world, message.inbox_id.split("@")[1], recipients)
    if not track_opens:
        outcomes.pop("open", None)
    for kind in KINDS:
        concerned: list[Any] = list(outcomes.get(kind.outcome, []))
        if kind.status:
            concerned = [{"address": address, "status": kind.status} for address in concerned]
        if concerned:
            content = {**about, "timestamp": clock.timestamp(known_at), **kind.extras, "recipients": concerned}
            deliveries.publish(world, kind.event_type, kind.key, content, known_at)
