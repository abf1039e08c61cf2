"""The events of a sent message: `message.sent` at once, and its outcomes later."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kindling.platform import clock
from local.sandbox.agentmail import deliveries, outcomes
from local.sandbox.world import Message, World

MESSAGE_FIELDS = ("organization_id", "pod_id", "inbox_id", "thread_id", "message_id")


@dataclass(frozen=True)
class Kind:
    """AgentMail's event for one kind of outcome. With a `status`, the event has that of every recipient."""

    outcome: str
    event_type: str
    key: str
    extras: dict[str, str] = field(default_factory=dict)
    status: str | None = None


KINDS = (
    Kind("reject", "message.rejected", "reject", {"reason": "Bad content"}),
    Kind("bounce", "message.bounced", "bounce", {"type": "Permanent", "sub_type": "General"}, "5.1.1"),
    Kind("soft_bounce", "message.bounced", "bounce", {"type": "Transient", "sub_type": "MailboxFull"}, "4.2.2"),
    Kind("block", "message.bounced", "bounce", {"type": "Permanent", "sub_type": "General"}, "5.7.1"),
    Kind("delivery", "message.delivered", "delivery"),
    Kind("open", "message.opened", "open"),
    Kind("click", "message.clicked", "click"),
    Kind("complaint", "message.complained", "complaint", {"type": "abuse", "sub_type": "spam"}),
)


def publish_outcomes(world: World, message: Message, recipients: list[str], *, track_opens: bool) -> None:
    """Publish one event per kind of outcome, with all its recipients."""
    now = clock.now()
    known_at = now + timedelta(seconds=world.settings.webhook_delay_seconds)
    about = {name: message.body[name] for name in MESSAGE_FIELDS}
    sent = {**about, "timestamp": clock.timestamp(now), "recipients": recipients}
    deliveries.publish(world, "message.sent", "send", sent, now)
    by_kind = outcomes.decide(world, message.inbox_id.split("@")[1], recipients)
    if not track_opens:
        by_kind.pop("open", None)
    for kind in KINDS:
        concerned: list[Any] = list(by_kind.get(kind.outcome, []))
        if kind.status:
            concerned = [{"address": address, "status": kind.status} for address in concerned]
        if concerned:
            content = {**about, "timestamp": clock.timestamp(known_at), **kind.extras, "recipients": concerned}
            deliveries.publish(world, kind.event_type, kind.key, content, known_at)
