"""The answer that tells what is kept about a recipient."""

from typing import Any, Self

from kindling.entry.answers import Listed
from kindling.entry.answers.messages import ShownEmail, ShownEvent, shown_email, shown_events
from kindling.entry.answers.suppressions import ShownSuppression
from kindling.messages.model import Message
from kindling.platform.paging import Page


class ShownExport(ShownEmail):
    """A message to the address, with what was reported about it. Other recipients are left out."""

    events: list[ShownEvent]


class RecipientExport(Listed):
    """What is kept about an address: its entry among the suppressions, and a page of messages, newest first."""

    email: str
    suppression: ShownSuppression | None
    messages: list[ShownExport]

    @classmethod
    def of(cls, email: str, suppression: dict[str, Any] | None, page: Page[Message]) -> Self:
        messages = [{**shown_email(message), "events": shown_events(message)} for message in page.rows]
        shown = {"email": email, "suppression": suppression, "messages": messages}
        return cls.model_validate({**shown, "next_cursor": page.next_cursor})
