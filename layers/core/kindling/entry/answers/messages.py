"""Answers about the log of messages."""

from typing import Any, Self

from pydantic import Field

from kindling.entry.answers import Answer, Listed, Omitted, Shown
from kindling.messages.model import Message, Status
from kindling.platform.paging import Page


class ShownRecipient(Shown):
    """What became of a recipient, and when; `kind` is that of a bounce."""

    address: str
    status: Status
    at: str
    kind: Omitted[str] = None


class ShownEmail(Shown):
    """A message that passed the gate.

    `status` is the worst that befell one of its recipients. `sent_at` is the instant of sending, `counted_at` the
    minute in which the gate counted it. `key_id` and `request_id` are the API key and the request that sent it, where
    the log has them. `message_id` is null while nobody knows whether the provider took it, and
    `idempotency_key` repeats it then. `erased_recipients` were removed with their addresses.
    """

    id: str
    message_id: str | None
    domain_id: str
    account_id: str
    key_id: Omitted[str] = None
    request_id: Omitted[str] = None
    sender: str = Field(alias="from")
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    tags: list[str]
    status: Status
    sent_at: str
    counted_at: str
    idempotency_key: Omitted[str] = None
    recipients: list[ShownRecipient]
    erased_recipients: int


class EmailAnswer(Answer):
    """A message."""

    email: ShownEmail

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls.model_validate({"email": shown_email(message)})


class EmailsAnswer(Listed):
    """A page of the tenant's messages, newest first. With a filter, a page may be short and more may follow."""

    emails: list[ShownEmail]

    @classmethod
    def of(cls, page: Page[Message]) -> Self:
        return cls.model_validate({"emails": list(map(shown_email, page.rows)), "next_cursor": page.next_cursor})


class ShownEvent(Shown):
    """What was reported; `recipients` are those that the report named, `kind` is that of a bounce."""

    event_type: str
    created_at: str
    recipients: list[str]
    kind: Omitted[str] = None


class EmailEventsAnswer(Answer):
    """What was reported about a message in the order of its coming, its sending first."""

    events: list[ShownEvent]

    @classmethod
    def of(cls, message: Message) -> Self:
        return cls.model_validate({"events": shown_events(message)})


class Erased(Answer):
    """The messages from which an address was erased; unless `complete`, there was no time for others: ask again."""

    erased: int
    complete: bool


def shown_events(message: Message) -> list[dict[str, Any]]:
    """The fields of a message's events, its sending first."""
    return [event.model_dump(exclude={"at"}) | {"created_at": event.at} for event in message.history]


def shown_email(message: Message) -> dict[str, Any]:
    """The fields of a message."""
    same = {"id", "message_id", "domain_id", "account_id", "key_id", "request_id", "to", "cc", "bcc", "subject", "tags"}
    return {
        **message.model_dump(include=same | {"idempotency_key"}),
        "from": message.sender,
        "status": message.outcome,
        "sent_at": message.created_at,
        "counted_at": message.sent_at,
        "recipients": [{"address": one, **told.model_dump()} for one, told in message.outcomes.items()],
        "erased_recipients": message.erased,
    }
