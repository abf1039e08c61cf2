"""The state of the sandbox, as rows in its state file."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from local.sandbox.faults import PostedFault
from local.sandbox.outbox import Outbox
from local.sandbox.settings import Rates, Settings


class Row(BaseModel):
    """A row. `number` increases with every new row and is used for sorting and paging."""

    number: int
    created_at: str
    updated_at: str


class Domain(Row):
    domain: str
    dkim: str
    feedback_enabled: bool = True
    inbound_enabled: bool = True
    subdomains_enabled: bool = False
    tracking_enabled: bool = False
    verify_called: bool = False
    stood_since: datetime | None = None
    announced: bool = False


class Inbox(Row):
    inbox_id: str
    display_name: str | None
    client_id: str | None
    metadata: dict[str, Any] | None
    status: str
    visible_at: datetime
    gone_at: datetime | None = None


class ApiKey(Row):
    api_key_id: str
    api_key: str
    name: str
    inbox_id: str
    permissions: dict[str, bool] | None
    expires_at: datetime | None


class Message(Row):
    inbox_id: str
    message_id: str
    body: dict[str, Any]


class SentKey(BaseModel):
    """The `Idempotency-Key` of a message. The send counts as running until `held_until`."""

    fingerprint: str
    answer: dict[str, str]
    held_until: datetime | None = None
    kept_until: datetime


class OwedOutcomes(BaseModel):
    """The outcomes that are still to be assigned under a domain's rates, by kind, in billionths of a recipient."""

    rates: Rates
    owed: dict[str, int] = {}


class Webhook(Row):
    webhook_id: str
    client_id: str | None
    body: dict[str, Any]
    headers: dict[str, str]
    failing_since: datetime | None = None


class Account(Row):
    email: str
    body: dict[str, Any]
    warmup_status: int = 0
    warmup_started_at: datetime | None = None
    warmup_paused_at: datetime | None = None


class Job(Row):
    id: str
    enable: bool
    emails: list[str]
    starts_at: datetime
    ends_at: datetime
    success_count: int = 0
    failed_count: int = 0
    finished: bool = False


class Tag(Row):
    id: str
    label: str
    description: str | None


class TagMapping(Row):
    id: str
    tag_id: str
    resource_id: str


class Record(Row):
    id: str
    name: str
    type: str
    content: str
    ttl: int
    priority: int | None
    proxied: bool
    comment: str | None
    settings: dict[str, Any]


class AccessToken(BaseModel):
    """A token of the service account, valid until a second of Unix time."""

    scope: str
    ends_at: float


class World(BaseModel):
    """All tables. `changes` counts changes that are not caused by a write request, but must be saved."""

    number: int = 0
    changes: int = 0
    settings: Settings = Field(default_factory=Settings)
    faults: list[PostedFault] = []

    domains: dict[str, Domain] = {}
    verifying_domains: dict[str, datetime] = {}
    inboxes: dict[str, Inbox] = {}
    leaving_inboxes: dict[str, datetime] = {}
    burnt_addresses: set[str] = set()
    api_keys: dict[str, ApiKey] = {}
    revoked_keys: set[str] = set()
    messages: dict[str, Message] = {}
    sent_keys: dict[str, SentKey] = {}
    owed_outcomes: dict[str, OwedOutcomes] = {}
    webhooks: dict[str, Webhook] = {}
    outbox: Outbox = Field(default_factory=Outbox)

    accounts: dict[str, Account] = {}
    jobs: dict[str, Job] = {}
    running_job: str | None = None
    tags: dict[str, Tag] = {}
    tag_mappings: dict[str, TagMapping] = {}

    zones: dict[str, str] = {}
    records: dict[str, dict[str, Record]] = {}

    service_account_key: str = ""
    access_tokens: dict[str, AccessToken] = {}

    def next_number(self) -> int:
        self.number += 1
        return self.number

    def clear(self) -> None:
        """Delete everything in place, except zones, webhooks and the key: clients have stored their ids and secrets."""
        for webhook in self.webhooks.values():
            webhook.body["enabled"], webhook.failing_since = True, None
        empty = World(zones=self.zones, webhooks=self.webhooks, service_account_key=self.service_account_key)
        for name in World.model_fields:
            setattr(self, name, getattr(empty, name))
