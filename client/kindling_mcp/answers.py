"""What the tools answer. Their fields are few, and what to do next is said in sentences."""

from typing import Annotated

from pydantic import BaseModel, Field

Steps = Annotated[list[str], Field(description="What to do next, in this order.")]
Cursor = Annotated[str | None, Field(description="Give it as `cursor` for the next page; null on the last one.")]


class Record(BaseModel):
    """A DNS record."""

    type: str
    name: str
    value: str
    priority: int | None
    purpose: str


class Warming(BaseModel):
    """How much a domain may send, and what keeps it from more."""

    phase: str
    days_in_phase: int
    daily_limit: int
    remaining_today: int
    remaining_this_hour: int
    remaining_this_minute: int
    stopped_because: str | None
    advancement_blockers: Annotated[list[str], Field(description="Why it does not enter the next phase.")]
    climbing_blockers: Annotated[list[str], Field(description="Why its daily limit does not climb.")]
    advice: Annotated[list[str], Field(description="What would help.")]


class Domain(BaseModel):
    """A domain of a list."""

    id: str
    domain: str
    status: str
    status_reason: str | None


class Domains(BaseModel):
    """A page of domains, newest first."""

    domains: list[Domain]
    next_cursor: Cursor


class DomainReport(Domain):
    """All about a domain."""

    ownership_verified: bool
    dns_sync: Annotated[str, Field(description="published, skipped, conflict or failed.")]
    missing_records: Annotated[list[Record], Field(description="Needed records that were not found in DNS yet.")]
    warming: Warming
    next_steps: Steps


class Explanation(BaseModel):
    """Whether a domain may send to that many recipients now."""

    domain: str
    recipients: int
    allowed: bool
    reasons: list[str]
    earliest_at: Annotated[str | None, Field(description="When it may; null when waiting alone does not help.")]
    retry_after_seconds: int | None
    next_steps: Steps


class Account(BaseModel):
    """An account."""

    id: str
    email_address: str
    status: str
    warmup_status: str
    warmup_reason: str | None
    may_send: Annotated[bool, Field(description="Whether the account may; its domain has limits of its own.")]
    next_steps: Steps


class Accounts(BaseModel):
    """A page of accounts, newest first."""

    accounts: list[Account]
    next_cursor: Cursor


class Row(BaseModel):
    """One of the things that an operation makes."""

    name: str
    state: Annotated[str, Field(description="waiting, running, succeeded, exists or failed.")]
    id: str | None
    error: str | None


class OperationReport(BaseModel):
    """How far an operation is."""

    operation_id: str
    kind: str
    name: str
    state: Annotated[str, Field(description="running, undoing, succeeded or failed.")]
    step: str | None
    error: str | None
    rows: list[Row]
    next_cursor: Cursor
    next_steps: Steps


class Onboarding(BaseModel):
    """A registration: the domain once it is made, and until then its operation."""

    operation: OperationReport | None
    domain: DomainReport | None


class Phase(BaseModel):
    """The phase of a domain after a change."""

    domain: str
    phase: str
    next_steps: Steps


class Message(BaseModel):
    """A message that was accepted."""

    message_id: str
    status: Annotated[str, Field(description="queued, or simulated with a test key.")]
