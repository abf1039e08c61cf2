"""The bodies of `POST /v1/send` and `POST /v1/send/batch`."""

import base64
import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from kindling.platform.addresses import Mailbox, address_in
from kindling.platform.text import Lines, SingleLine
from kindling.providers.model import Attachment, OutgoingMessage

MAX_RECIPIENTS = 50  # in one message: the limit of Amazon SES, through which AgentMail sends
MAX_BATCH = 100
MAX_ATTACHMENTS = 10
# Headers that are set from other fields, or by the mail provider.
RESERVED_HEADERS = frozenset(
    {"from", "to", "cc", "bcc", "subject", "reply-to", "sender", "date", "message-id", "return-path", "dkim-signature"}
)
# RFC 6838, section 4.2, and parameters as RFC 2045 writes them.
_TYPE_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"  # noqa: S105
_QUOTED = r'"(?:[ !#-\[\]-~]|\\[ -~])*"'
_MEDIA_TYPE = re.compile(rf"{_TYPE_NAME}/{_TYPE_NAME}(?: *; *{_TOKEN}=(?:{_TOKEN}|{_QUOTED}))*")


def _is_base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError("must be base64") from error
    return text


def media_type(text: str) -> str:
    """Validate a media type such as `text/plain; charset=utf-8`. Raises ValueError if invalid."""
    if not _MEDIA_TYPE.fullmatch(text):
        raise ValueError("must be a media type such as application/pdf")
    return text


Mailboxes = Annotated[list[Mailbox], Field(max_length=MAX_RECIPIENTS)]


class AttachedFile(BaseModel):
    """An attachment; `content` is base64."""

    model_config = ConfigDict(extra="forbid")

    filename: SingleLine = Field(min_length=1, max_length=255)
    content: Annotated[str, AfterValidator(_is_base64)]
    content_type: Annotated[SingleLine, AfterValidator(media_type)] = "application/octet-stream"


class SendEmail(BaseModel):
    """The body of `POST /v1/send`."""

    model_config = ConfigDict(extra="forbid")

    sender: Annotated[Mailbox, Field(alias="from")]
    to: Annotated[list[Mailbox], Field(min_length=1, max_length=MAX_RECIPIENTS)]
    cc: Mailboxes = []
    bcc: Mailboxes = []
    reply_to: Mailbox | None = None
    subject: SingleLine = Field(default="", max_length=998)  # RFC 5322, section 2.1.1: the length of a line
    html_body: Lines | None = None
    text_body: Lines | None = None
    headers: dict[str, SingleLine] = {}
    tags: Annotated[list[Annotated[SingleLine, Field(min_length=1, max_length=100)]], Field(max_length=20)] = []
    attachments: Annotated[list[AttachedFile], Field(max_length=MAX_ATTACHMENTS)] = []

    @model_validator(mode="after")
    def _has_body(self) -> Self:
        if not (self.html_body or self.text_body):
            raise ValueError("needs html_body or text_body")
        if len(self.recipients) > MAX_RECIPIENTS:
            raise ValueError(f"may have at most {MAX_RECIPIENTS} recipients in to, cc and bcc together")
        return self

    @field_validator("headers")
    @classmethod
    def _not_reserved(cls, headers: dict[str, str]) -> dict[str, str]:
        for name in headers:
            if not name.replace("-", "").isalnum() or not name.isascii() or name.lower() in RESERVED_HEADERS:
                raise ValueError(f"may not hold {name!r}")
        return headers

    @property
    def recipients(self) -> list[str]:
        """The addresses of all recipients, duplicates included: each counts against the domain's limits."""
        return [address_in(mailbox) for mailbox in (*self.to, *self.cc, *self.bcc)]

    @property
    def address(self) -> str:
        """The sender's address."""
        return address_in(self.sender)

    def outgoing(self) -> OutgoingMessage:
        """The message in the form of the mail provider's client."""
        return OutgoingMessage(
            to=self.to,
            cc=self.cc,
            bcc=self.bcc,
            reply_to=[self.reply_to] if self.reply_to else [],
            subject=self.subject,
            text=self.text_body,
            html=self.html_body,
            headers=self.headers,
            labels=self.tags,
            attachments=[Attachment(**attached.model_dump()) for attached in self.attachments],
        )


class SendBatch(BaseModel):
    """The body of `POST /v1/send/batch`. Each message is validated and admitted separately."""

    model_config = ConfigDict(extra="forbid")

    emails: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_BATCH)]
