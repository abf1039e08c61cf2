"""The Protocols of the providers and their models.

Every method may raise ProviderRefused (a permanent error; nothing was done), ProviderMisconfigured (our plan or quota),
KeyRefused (our API key) or ProviderUnavailable (a temporary error; the request may have been executed). Deleting a
resource that does not exist succeeds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pydantic import BaseModel

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


class DnsRecord(BaseModel):
    """A record to publish in a domain's DNS."""

    type: str
    name: str
    value: str
    priority: int | None = None


class MailRecord(DnsRecord):
    """A record that the mail provider requires; `status` is its check of DNS: MISSING, INVALID or VALID."""

    status: str | None = None

    @property
    def valid(self) -> bool:
        return (self.status or "").upper() == "VALID"


class MailDomain(BaseModel):
    """A domain at the mail provider; `status` is the provider's value in upper case."""

    domain_id: str
    status: str
    reason: str | None = None
    records: list[MailRecord] = []


class Attachment(BaseModel):
    """An attachment of a message; `content` is base64."""

    filename: str
    content: str
    content_type: str = "application/octet-stream"


class OutgoingMessage(BaseModel):
    """A message in the form of AgentMail's send request."""

    to: list[str]
    cc: list[str] = []
    bcc: list[str] = []
    reply_to: list[str] = []
    subject: str = ""
    text: str | None = None
    html: str | None = None
    headers: dict[str, str] = {}
    labels: list[str] = []
    attachments: list[Attachment] = []


class Inbox(BaseModel):
    inbox_id: str
    client_id: str | None = None


class WarmupAccount(BaseModel):
    """An account at the warmup provider.

    `warmup_status` is 0 paused, 1 active, -1 banned, -2 spam folder unknown, -3 suspended (Instantly API v2).
    `stat_warmup_score` is 0 to 100, None while there is no data.
    """

    email: str
    warmup_status: int
    stat_warmup_score: float | None = None


class WarmupTag(BaseModel):
    """A tag at the warmup provider."""

    id: str
    label: str
    timestamp_created: str


class WarmupDay(BaseModel):
    sent: int = 0
    received: int = 0


class WarmupTotals(BaseModel):
    """The warmup totals of an account; the provider omits values that are zero."""

    sent: int = 0
    received: int = 0
    health_score: float = 0
    health_score_label: str = ""


class WarmupFigures(BaseModel):
    """Totals and days (`YYYY-MM-DD`) of one account."""

    totals: WarmupTotals
    days: dict[str, WarmupDay]


class WarmupRegistration(BaseModel):
    """An account to create at the warmup provider. `mail_secret`, the inbox's API key, is sent nowhere else."""

    email: str
    first_name: str
    last_name: str
    mail_secret: str
    daily_limit: int


class Zone(BaseModel):
    id: str
    name: str
    active: bool


class ZoneRecord(BaseModel):
    """A record of a zone; `value` is in the form of `canonical_value`."""

    id: str
    type: str
    name: str
    value: str
    priority: int | None = None
    ttl: int = 1
    proxied: bool = False
    comment: str | None = None


@dataclass(frozen=True)
class TxtSurvey:
    """The TXT values of one name from every vantage point; None for a vantage point without a conclusive response."""

    views: tuple[frozenset[str] | None, ...]

    def shows(self, value: str) -> bool | None:
        """Whether the name has the value, by a strict majority of all vantage points; None without a majority."""
        verdicts = [None if view is None else value in view for view in self.views]
        return next((answer for answer in (True, False) if 2 * verdicts.count(answer) > len(verdicts)), None)


def canonical_value(type_: str, value: str) -> str:
    """A record's value in a form that can be compared.

    A TXT value becomes unquoted text, whether it was one string or several; a host name becomes lower case without a
    trailing dot.
    """
    if type_ == "TXT":
        chunks = QUOTED.findall(value)
        return "".join(chunks).replace('\\"', '"') if chunks else value
    return value.rstrip(".").lower()


@dataclass(frozen=True)
class ReputationDay:
    """What a mailbox provider says of a domain's mail on a day, as shares from 0 to 1.

    None is unknown, which is never as good as 0.
    """

    day: date
    spam_rate: float | None = None
    delivery_error_rate: float | None = None


class MailProvider(Protocol):
    def get_domain(self, domain: str) -> MailDomain | None: ...
    def create_domain(self, domain: str) -> MailDomain: ...
    def verify_domain(self, domain: str) -> None: ...
    def delete_domain(self, domain: str) -> None: ...
    def domain_pages(self) -> Iterator[list[str]]: ...
    def inbox_pages(self) -> Iterator[list[Inbox]]: ...
    def get_inbox(self, address: str) -> Inbox | None: ...
    def create_inbox(self, username: str, domain: str, *, client_id: str, display_name: str | None) -> Inbox: ...
    def rename_inbox(self, address: str, display_name: str) -> None: ...
    def delete_inbox(self, address: str) -> None: ...
    def create_mail_secret(self, address: str, name: str) -> str: ...
    def delete_mail_secrets(self, address: str, name: str) -> None: ...
    def send_message(self, address: str, message: OutgoingMessage, *, idempotency_key: str) -> str: ...


class WarmupProvider(Protocol):
    def get_account(self, email: str) -> WarmupAccount | None: ...
    def create_account(self, registration: WarmupRegistration) -> None: ...
    def update_account(self, email: str, changes: dict[str, str]) -> None: ...
    def delete_account(self, email: str) -> None: ...
    def account_pages(self, tag_id: str | None = None) -> Iterator[list[WarmupAccount]]: ...
    def tagged_accounts(self, tag_id: str) -> list[WarmupAccount]: ...
    def read_figures(self, emails: list[str]) -> dict[str, WarmupFigures]: ...
    def enable_warmups(self, emails: list[str]) -> str: ...
    def job_ended(self, job_id: str) -> bool: ...
    def disable_warmup(self, email: str) -> None: ...
    def find_tag(self, label: str) -> str | None: ...
    def tag_pages(self, search: str) -> Iterator[list[WarmupTag]]: ...
    def create_tag(self, label: str) -> str: ...
    def delete_tag(self, tag_id: str) -> None: ...
    def some_tagged(self, tag_id: str) -> list[str]: ...
    def tag_account(self, email: str, tag_ids: list[str]) -> None: ...


class DnsProvider(Protocol):
    def find_zone(self, domain: str) -> Zone | None: ...
    def zone_pages(self) -> Iterator[list[Zone]]: ...
    def list_records(self, zone: Zone, domain: str) -> list[ZoneRecord]: ...
    def list_commented(self, zone: Zone, prefix: str) -> list[ZoneRecord]: ...
    def change(self, zone: Zone, *, add: list[DnsRecord], remove: list[ZoneRecord], comment: str) -> None: ...


class ReputationProvider(Protocol):
    def daily(self, domain: str, first: date, last: date) -> list[ReputationDay] | None: ...


class Resolver(Protocol):
    def read_txt(self, name: str) -> TxtSurvey: ...
