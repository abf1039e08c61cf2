"""What the API answers, and the objects that it takes."""

# Written by `make openapi` from the OpenAPI document.

from __future__ import annotations

from typing import Annotated, Any, Literal

from kindling_client.base import NEWER, Model

AccountStatus = Annotated[Literal["pending", "warming", "active", "error"], NEWER]
CleanupKind = Annotated[Literal["warmup_account", "inbox", "dns_records", "mail_domain"], NEWER]
DeliveryStatus = Annotated[Literal["pending", "succeeded", "failed", "held"], NEWER]
DomainStatus = Annotated[Literal["pending", "verifying", "verified", "failed"], NEWER]
DomainType = Annotated[Literal["inbound", "outbound", "both", "alias"], NEWER]
ImportState = Annotated[Literal["previewed", "committing", "committed"], NEWER]
Kind = Annotated[Literal["inbox", "mail_domain", "warmup_account", "tag", "dns_records"], NEWER]
OperationState = Annotated[Literal["running", "undoing", "succeeded", "failed"], NEWER]
Outcome = Annotated[Literal["unknown", "accepted", "succeeded", "refused", "failed"], NEWER]
Phase = Annotated[
    Literal["not_started", "phase_1", "phase_2", "phase_3", "phase_4", "warmed", "paused", "suspended"], NEWER
]
Problem = Annotated[Literal["orphan", "gone"], NEWER]
ProblemKind = Annotated[Literal["invalid", "duplicate"], NEWER]
Reason = Annotated[Literal["hard_bounce", "complaint", "manual", "unsubscribe"], NEWER]
RowState = Annotated[Literal["waiting", "running", "succeeded", "exists", "failed"], NEWER]
Scope = Annotated[Literal["read", "provision", "send", "admin"], NEWER]
ScopeType = Annotated[Literal["org", "domain", "stream", "template", "list"], NEWER]
Source = Annotated[Literal["webhook", "api", "import"], NEWER]
Status = Annotated[Literal["unknown", "queued", "delivered", "rejected", "bounced", "complained"], NEWER]
Style = Annotated[Literal["standard", "chat"], NEWER]
WarmupStatus = Annotated[Literal["not_started", "warming", "active", "banned", "suspended"], NEWER]


class Accepted(Model):
    """An operation that still runs; `Location` is where to ask for it."""

    next_cursor: str | None = None
    operation: ShownOperation
    rows: list[ShownRow] | None = None


class AccountAnswer(Model):
    """An account."""

    account: ShownAccount


class AccountCreated(Model):
    """A new account."""

    account: ShownAccount


class AccountsAnswer(Model):
    """The tenant's accounts, newest first."""

    next_cursor: str | None = None
    accounts: list[ShownAccount]


class AnalyticsAnswer(Model):
    """Warmup figures by account id, and the status changes that this request made."""

    next_cursor: str | None = None
    analytics: dict[str, ShownFigures]
    transitions: dict[str, ShownTransition]


class AttachedFile(Model):
    """An attachment; `content` is base64."""

    filename: str
    content: str
    content_type: str = "application/octet-stream"


class AuditAnswer(Model):
    """A page of the tenant's requests, newest first. With a filter, a page may be short and more may follow."""

    next_cursor: str | None = None
    entries: list[ShownEntry]


class BatchSent(Model):
    """The results of a batch, in its order; `retry_after_seconds` when sending a part again may work."""

    results: list[SentResult | RejectedResult]
    accepted: int
    rejected: int
    retry_after_seconds: int | None = None


class CapAnswer(Model):
    """The cap of a domain, null for none."""

    domain_id: str
    daily_limit: int | None
    message: str


class CleanupsAnswer(Model):
    """The tenant's cleanups that are not done, newest first."""

    next_cursor: str | None = None
    cleanups: list[ShownCleanup]


class CreateAccount(Model):
    """The body of `POST /api/email/accounts`."""

    username: str
    domain_id: str
    display_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None


class DailyStatsAnswer(Model):
    """One entry per day, oldest first."""

    domain_id: str
    domain: str
    days: int
    stats: list[ShownDate]


class DeliveriesAnswer(Model):
    """Deliveries to webhooks, newest first."""

    next_cursor: str | None = None
    deliveries: list[ShownDelivery]


class Description(Model):
    """The OpenAPI 3.1 document of every route."""

    openapi: str
    info: ShownTitle
    paths: dict[str, Any]
    components: dict[str, Any]


class DnsAnswer(Model):
    """The records that the domain needs in DNS, and which of them the provider has found."""

    domain: str
    records: list[ShownDnsRecord]


class DomainAnswer(Model):
    """A domain."""

    domain: ShownDomain


class DomainCreated(Model):
    """A new domain."""

    domain: ShownDomain


class DomainsAnswer(Model):
    """The tenant's domains, newest first."""

    next_cursor: str | None = None
    domains: list[ListedDomain]


class EmailAnswer(Model):
    """A message."""

    email: ShownEmail


class EmailEventsAnswer(Model):
    """What was reported about a message in the order of its coming, its sending first."""

    events: list[ShownEvent]


class EmailsAnswer(Model):
    """A page of the tenant's messages, newest first. With a filter, a page may be short and more may follow."""

    next_cursor: str | None = None
    emails: list[ShownEmail]


class Erased(Model):
    """The messages from which an address was erased; unless `complete`, there was no time for others: ask again."""

    erased: int
    complete: bool


class ExplainAnswer(Model):
    """Whether the gate would admit that many recipients now; if not, when, and why."""

    domain_id: str
    recipients: int
    allowed: bool
    phase: Phase
    reasons: list[str]
    earliest_at: str | None
    retry_after_seconds: int | None
    mailbox_providers: list[ShownProvider]


class Health(Model):
    """The API answers."""

    status: Literal["ok"] = "ok"


class HistoryAnswer(Model):
    """A page of the domain's changes of phase, newest first; `next_cursor` is null on the last page."""

    domain_id: str
    history: list[ShownChange]
    next_cursor: str | None


class HourlyStatsAnswer(Model):
    """One entry per hour, oldest first."""

    domain_id: str
    domain: str
    hours: int
    stats: list[ShownHour]


class ImportAnswer(Model):
    """An import, and a page of its rows that suppress nothing."""

    job_id: str
    status: ImportState
    total_rows: int
    valid_rows: int
    invalid_rows: int
    duplicate_rows: int
    already_suppressed: int
    written_rows: int
    ignored_columns: list[str]
    created_at: str
    commit_by: str
    committed_at: str | None
    next_cursor: str | None = None
    problems: list[ShownProblem]


class ImportCommitted(Model):
    """An import whose addresses are suppressed."""

    job_id: str
    status: ImportState
    total_rows: int
    valid_rows: int
    invalid_rows: int
    duplicate_rows: int
    already_suppressed: int
    written_rows: int
    ignored_columns: list[str]
    created_at: str
    commit_by: str
    committed_at: str | None


class ImportCommitting(Model):
    """An import whose addresses are still being written; `Location` is where to ask for it."""

    job_id: str
    status: ImportState
    total_rows: int
    valid_rows: int
    invalid_rows: int
    duplicate_rows: int
    already_suppressed: int
    written_rows: int
    ignored_columns: list[str]
    created_at: str
    commit_by: str
    committed_at: str | None


class ImportPreviewed(Model):
    """A new import, with the first hundred of its rows that suppress nothing."""

    job_id: str
    status: ImportState
    total_rows: int
    valid_rows: int
    invalid_rows: int
    duplicate_rows: int
    already_suppressed: int
    written_rows: int
    ignored_columns: list[str]
    created_at: str
    commit_by: str
    committed_at: str | None
    next_cursor: str | None = None
    problems: list[ShownProblem]


class Index(Model):
    """What this is, and where things are."""

    name: str
    version: str
    links: ShownLinks = None  # type: ignore[assignment]


class InventoryAnswer(Model):
    """The tenant's findings, newest first; `checked_at` is when the last complete round began."""

    next_cursor: str | None = None
    findings: list[ShownFinding]
    checked_at: str | None


class IspStatsAnswer(Model):
    """One entry per mailbox provider, and one each for `own` and `ungated` recipients."""

    domain_id: str
    domain: str
    days: int
    stats: list[ShownIsp]


class KeyAnswer(Model):
    """A key."""

    key: ShownKey


class KeyIssued(Model):
    """A new key with its text; `rotated` is the key that it replaces."""

    key: ShownNewKey
    rotated: ShownKey | None = None


class KeysAnswer(Model):
    """The tenant's keys, newest first."""

    next_cursor: str | None = None
    keys: list[ShownKey]


class Limits(Model):
    """Recipients in a UTC day, hour and minute."""

    daily_limit: int
    hourly_limit: int
    per_minute_limit: int


class ListedDomain(Model):
    """`stale` is true where provider and DNS could not be read for this list; `refreshed_at` is when they last were."""

    id: str
    user_id: str
    domain: str
    agentmail_domain_id: str
    status: DomainStatus
    status_reason: str | None
    dns_records: list[ShownRecord]
    dns_sync: ShownSync
    ownership: ShownOwnership
    verified_at: str | None
    refreshed_at: str | None
    created_at: str
    updated_at: str
    stale: Literal[True] | None = None


class OperationAnswer(Model):
    """An operation, on request; one that makes many things has a page of rows, in the order in which they were sent."""

    next_cursor: str | None = None
    operation: ShownOperation
    rows: list[ShownRow] | None = None


class PausedAnswer(Model):
    """Warming is paused."""

    message: str
    previous_phase: Phase
    reason: str


class PhasePlan(Model):
    """One phase: its stages, and the minimum of days with mail and of recipients before it may be left.

    On the wire the stages are called `steps`.
    """

    steps: list[Stage]
    min_days: int
    min_volume: int


class Phases(Model):
    """The plans of the four phases."""

    phase_1: PhasePlan
    phase_2: PhasePlan
    phase_3: PhasePlan
    phase_4: PhasePlan


class Received(Model):
    """The event was handled; `counted` says whether it changed anything."""

    received: Literal[True]
    counted: bool


class RecipientExport(Model):
    """What is kept about an address: its entry among the suppressions, and a page of messages, newest first."""

    next_cursor: str | None = None
    email: str
    suppression: ShownSuppression | None
    messages: list[ShownExport]


class RejectedResult(Model):
    """The result of one message of a batch that was not accepted: an error, with the fields that it has elsewhere."""

    status: Literal["rejected"]
    error: str
    message: str


class Replayed(Model):
    """The webhook, enabled; how many deliveries are sent again, and whether another request would find more."""

    webhook: ShownWebhook
    replayed: int
    more: bool


class ResumedAnswer(Model):
    """Warming goes on."""

    message: str
    phase: Phase


class Schedule(Model):
    """A whole schedule. Limits never fall from one day to the next, so a late judgement can only lower what is sent."""

    name: str
    version: int
    phases: Phases
    thresholds: Thresholds = None  # type: ignore[assignment]
    mailbox_providers: dict[str, float] = None  # type: ignore[assignment]


class ScheduleAnswer(Model):
    """The tenant's schedule."""

    schedule: Schedule


class SchedulesAnswer(Model):
    """The tenant's schedule, its latest own one if there is any, and the presets."""

    schedule: Schedule
    own: Schedule | None
    presets: list[Schedule]


class SendingDomainAnswer(Model):
    """A domain, bare."""

    id: str
    domain: str
    type: DomainType
    verified: bool
    ownership_verified: bool
    mx_verified: bool
    spf_verified: bool
    dkim_verified: bool
    dmarc_verified: bool
    catch_all_enabled: bool
    active: bool
    last_dns_check: str | None
    verified_at: str | None
    created_at: str
    updated_at: str


class SendingDomainCreated(Model):
    """A new domain, bare."""

    id: str
    domain: str
    type: DomainType
    verified: bool
    ownership_verified: bool
    mx_verified: bool
    spf_verified: bool
    dkim_verified: bool
    dmarc_verified: bool
    catch_all_enabled: bool
    active: bool
    last_dns_check: str | None
    verified_at: str | None
    created_at: str
    updated_at: str


class SendingDomainsAnswer(Model):
    """A page of the tenant's domains, newest first."""

    next_cursor: str | None = None
    domains: list[ShownSendingDomain]
    limit: int
    offset: int


class Sent(Model):
    """A message that was handed to the mail provider, or simulated with a test key."""

    id: str | None = None
    message_id: str
    status: Annotated[Literal["queued", "simulated"], NEWER]
    environment: Literal["test"] | None = None


class SentResult(Model):
    """A message that was accepted: handed to the mail provider, or simulated with a test key.

    `id` is that of its entry in the log, `message_id` the provider's. A simulated one is not logged.
    """

    id: str | None = None
    message_id: str
    status: Annotated[Literal["queued", "simulated"], NEWER]
    environment: Literal["test"] | None = None


class ShownAccount(Model):
    """An account; `email_domains` is its domain, null once that is deleted.

    `warmup_reason` says why a pending account is not warming yet.
    """

    id: str
    user_id: str
    type: str
    domain_id: str
    email_address: str
    agentmail_inbox_id: str
    instantly_account_id: str | None
    status: AccountStatus
    warmup_status: WarmupStatus
    display_name: str | None
    first_name: str | None
    last_name: str | None
    signature: str | None
    instantly_tag_id: str | None
    instantly_warmup_tag_id: str | None
    daily_limit: int
    warmup_enabled: bool
    warmup_reason: str | None
    created_at: str
    updated_at: str
    email_domains: ShownDomainOfAccount | None


class ShownChange(Model):
    """Part of an answer."""

    id: str
    domain_id: str
    from_phase: Phase
    to_phase: Phase
    reason: str
    detail: str | None = None
    metrics_snapshot: ShownSnapshot | None = None
    triggered_by: str
    created_at: str


class ShownCleanup(Model):
    """Part of an answer."""

    kind: CleanupKind
    target: str
    subject_id: str
    attempts: int
    last_error: str | None
    created_at: str
    next_attempt_at: str | None
    stuck: bool


class ShownConflict(Model):
    """Part of an answer."""

    type: str
    name: str
    value: str
    found: str


class ShownCounts(Model):
    """Recipients, and shares of them from 0 to 1; opens and clicks are shares of what was delivered."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float


class ShownDate(Model):
    """Counts of a UTC day, with Gmail's own figures: shares from 0 to 1, null when Gmail tells none.

    The gate refused at least so many recipients and messages: some refusals are counted late, and a few
    never.
    """

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    id: str
    domain_id: str
    date: str
    gmail_spam_rate: float | None
    gmail_delivery_error_rate: float | None
    refused_recipients: int
    refused_messages: int


class ShownDay(Model):
    """Part of an answer."""

    date: str
    sent: int
    received: int


class ShownDelivery(Model):
    """An event on its way to a webhook; `id` is the event's, and `payload` what is sent."""

    id: str
    webhook_id: str
    event_type: str
    status: DeliveryStatus
    attempts: int
    response_status: int | None
    last_error: str | None
    next_attempt_at: str | None
    delivered_at: str | None
    created_at: str
    payload: dict[str, Any]


class ShownDnsRecord(Model):
    """`verified` is null for a record that the mail provider does not report."""

    purpose: str
    type: str
    name: str
    value: str
    priority: int | None = None
    required: bool
    verified: bool | None


class ShownDomain(Model):
    """Part of an answer."""

    id: str
    user_id: str
    domain: str
    agentmail_domain_id: str
    status: DomainStatus
    status_reason: str | None
    dns_records: list[ShownRecord]
    dns_sync: ShownSync
    ownership: ShownOwnership
    verified_at: str | None
    refreshed_at: str | None
    created_at: str
    updated_at: str


class ShownDomainOfAccount(Model):
    """Part of an answer."""

    id: str
    domain: str
    status: DomainStatus


class ShownEmail(Model):
    """A message that passed the gate.

    `status` is the worst that befell one of its recipients. `sent_at` is the instant of sending, `counted_at`
    the minute in which the gate counted it. `key_id` and `request_id` are the API key and the request that
    sent it, where the log has them. `message_id` is null while nobody knows whether the provider took it, and
    `idempotency_key` repeats it then. `erased_recipients` were removed with their addresses.
    """

    id: str
    message_id: str | None
    domain_id: str
    account_id: str
    key_id: str | None = None
    request_id: str | None = None
    from_: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    tags: list[str]
    status: Status
    sent_at: str
    counted_at: str
    idempotency_key: str | None = None
    recipients: list[ShownRecipient]
    erased_recipients: int


class ShownEntry(Model):
    """A request that may have changed something; its `id` is the `X-Request-ID` of its answer.

    `path_ids` are the parameters of its path. `status` is null for an outcome that is unknown, `error` is the
    code of an error. `subject_id` is what it was about, `operation_id` where it goes on. A `replayed` answer
    was given before.
    """

    id: str
    created_at: str
    key_id: str
    key_name: str
    live: bool
    method: str
    route: str
    path_ids: dict[str, str]
    outcome: Outcome
    status: int | None
    error: str | None = None
    subject_id: str | None
    operation_id: str | None = None
    replayed: bool


class ShownEvent(Model):
    """What was reported; `recipients` are those that the report named, `kind` is that of a bounce."""

    event_type: str
    created_at: str
    recipients: list[str]
    kind: str | None = None


class ShownEvidence(Model):
    """The recipients of whole days by which the domain is judged, and what became of them.

    `reported` is the number with a report, `listening` the number at mailbox providers that report
    complaints.
    """

    window: Annotated[Literal["7_days", "28_days"], NEWER]
    recipients: int
    reported: int
    delivered: int
    bounces: int
    blocks: int
    listening: int
    complaints: int


class ShownExport(Model):
    """A message to the address, with what was reported about it. Other recipients are left out."""

    id: str
    message_id: str | None
    domain_id: str
    account_id: str
    key_id: str | None = None
    request_id: str | None = None
    from_: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    subject: str
    tags: list[str]
    status: Status
    sent_at: str
    counted_at: str
    idempotency_key: str | None = None
    recipients: list[ShownRecipient]
    erased_recipients: int
    events: list[ShownEvent]


class ShownFailure(Model):
    """Part of an answer."""

    code: str
    message: str
    step: str


class ShownFigures(Model):
    """Part of an answer."""

    email: str
    total_sent: int
    total_received: int
    health_score: int
    health_score_label: str
    warmup_reputation: int
    instantly_warmup_status: int
    daily_data: list[ShownDay]


class ShownFinding(Model):
    """Part of an answer."""

    kind: Kind
    problem: Problem
    target: str
    subject_id: str
    message: str
    safe: bool
    first_seen_at: str
    last_seen_at: str
    acts_at: str | None


class ShownHour(Model):
    """Part of an answer."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    id: str
    domain_id: str
    hour: str


class ShownIsp(Model):
    """Part of an answer."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    id: str
    domain_id: str
    isp: str


class ShownKey(Model):
    """An API key without its secret."""

    id: str
    prefix: str
    user_id: str
    name: str
    live: bool
    scopes: list[Scope]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    rotated_from: str | None
    rotated_to: str | None


class ShownLinks(Model):
    """Paths, from the root of the API."""

    openapi: str = "/openapi.json"
    docs: str = "/docs"
    health: str = "/healthz"


class ShownMetrics(Model):
    """Part of an answer."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    period_days: int


class ShownNewKey(Model):
    """`api_key` is the key's text. It is shown once."""

    id: str
    prefix: str
    user_id: str
    name: str
    live: bool
    scopes: list[Scope]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    rotated_from: str | None
    rotated_to: str | None
    api_key: str


class ShownOperation(Model):
    """Part of an answer."""

    id: str
    kind: str
    state: OperationState
    subject_id: str
    name: str
    current_step: str | None
    error: ShownFailure | None
    execution_arn: str
    created_at: str
    updated_at: str
    progress: ShownProgress | None = None


class ShownOwnership(Model):
    """Part of an answer."""

    verified: bool
    verified_at: str | None
    checked_at: str | None
    missing_since: str | None
    in_use_until: str | None


class ShownPlan(Model):
    """The changes to the zone, made or only planned."""

    add: list[ShownRecord]
    remove: list[ShownZoneRecord]
    conflicts: list[ShownConflict]


class ShownProblem(Model):
    """Why a row suppresses nothing. The first line of a CSV is row 1, and so is the first of other rows."""

    row: int
    kind: ProblemKind
    message: str


class ShownProgress(Model):
    """How many rows there are, in all and in each state."""

    total: int
    waiting: int
    running: int
    succeeded: int
    exists: int
    failed: int


class ShownProvider(Model):
    """What was sent to a mailbox provider today. Limit and rest are null where only the domain's limits apply."""

    mailbox_provider: Annotated[Literal["gmail", "microsoft", "yahoo", "apple", "other"], NEWER]
    sent_today: int
    daily_limit: int | None
    remaining_today: int | None


class ShownQuotas(Model):
    """How much a tenant and one of its keys may ask for."""

    tenant_requests_per_second: int
    key_requests_per_second: int
    tenant_creates_per_hour: int
    key_creates_per_hour: int


class ShownRecipient(Model):
    """What became of a recipient, and when; `kind` is that of a bounce."""

    address: str
    status: Status
    at: str
    kind: str | None = None


class ShownRecord(Model):
    """A record that the domain needs in DNS."""

    type: str
    name: str
    value: str
    priority: int | None = None


class ShownReference(Model):
    """Part of an answer."""

    id: str
    domain: str
    status: DomainStatus


class ShownRow(Model):
    """One of many things that an operation makes; `subject_id` is its id once it is there."""

    number: int
    name: str
    state: RowState
    subject_id: str | None
    error: ShownFailure | None


class ShownSchedule(Model):
    """Part of an answer."""

    name: str
    version: int


class ShownSendingDomain(Model):
    """Part of an answer."""

    id: str
    domain: str
    type: DomainType
    verified: bool
    ownership_verified: bool
    mx_verified: bool
    spf_verified: bool
    dkim_verified: bool
    dmarc_verified: bool
    catch_all_enabled: bool
    active: bool
    last_dns_check: str | None
    verified_at: str | None
    created_at: str
    updated_at: str


class ShownSnapshot(Model):
    """Part of an answer."""

    bounce_rate: float
    complaint_rate: float
    delivery_rate: float
    daily_volume: int
    days_in_phase: int


class ShownSuppression(Model):
    """A suppressed address; it holds for all domains of the tenant."""

    id: str
    email: str
    reason: Reason
    source: Source
    created_at: str
    scope_type: Literal["org"]
    scope_id: None


class ShownSync(Model):
    """Part of an answer."""

    status: str
    zone: str | None
    message: str | None
    conflicts: list[ShownConflict]


class ShownTitle(Model):
    """Of the document's `info`."""

    title: str
    version: str


class ShownTransition(Model):
    """Part of an answer."""

    warmup_status: WarmupStatus
    status: AccountStatus


class ShownUsage(Model):
    """Part of an answer."""

    total_sent: int
    total_delivered: int
    total_bounced: int
    total_hard_bounce: int
    total_soft_bounce: int
    total_unknown_mailbox: int
    total_blocked: int
    total_complaints: int
    total_rejected: int
    total_opened: int
    total_clicked: int
    delivery_rate: float
    bounce_rate: float
    hard_bounce_rate: float
    complaint_rate: float
    open_rate: float
    click_rate: float
    domain_id: str
    domain: str


class ShownWebhook(Model):
    """A webhook without its secret. One that has failed for five days is not `enabled` any more."""

    id: str
    webhook_url: str
    event_types: list[str]
    style: Style
    enabled: bool
    has_secret: Literal[True]
    previous_secret_until: str | None
    failing_since: str | None
    disabled_at: str | None
    created_at: str
    updated_at: str


class ShownZone(Model):
    """Whether the zone could be read; the contract's names."""

    checked: bool
    zoneId: str | None
    zoneName: str | None
    error: str | None


class ShownZoneRecord(Model):
    """Part of an answer."""

    id: str
    type: str
    name: str
    value: str
    priority: int | None
    ttl: int
    proxied: bool


class Stage(Model):
    """The limits of one day of a phase, in recipients. The next day uses the next stage."""

    daily_limit: int
    hourly_limit: int
    per_minute_limit: int


class StartedAnswer(Model):
    """Warming has started."""

    message: str
    phase: Phase


class StatsAnswer(Model):
    """Totals and rates of a period."""

    domain_id: str
    domain: str
    period_days: int
    metrics: ShownMetrics
    today_sent: int
    this_hour_sent: int


class Success(Model):
    """A change that leaves nothing to show."""

    success: Literal[True] = True


class SuppressionChecked(Model):
    """Whether an address is suppressed."""

    suppressed: bool
    entry: ShownSuppression | None


class SuppressionCreated(Model):
    """A new entry, bare; an existing one for the address is answered unchanged."""

    id: str
    email: str
    reason: Reason
    source: Source
    created_at: str
    scope_type: Literal["org"]
    scope_id: None


class SuppressionsAnswer(Model):
    """A page of the tenant's entries, newest first; `total` is left out when a `cursor` was sent."""

    next_cursor: str | None = None
    suppressions: list[ShownSuppression]
    total: int | None = None
    limit: int
    offset: int


class SyncAnswer(Model):
    """What came of publishing the domain's records, and the changes to its zone."""

    domain: ShownReference
    dns_sync: ShownSync
    plan: ShownPlan
    dry_run: bool


class Thresholds(Model):
    """Shares of the recipients, 0 to 1.

    A schedule may be stricter than the mailbox providers' rules, not laxer. Complaints: Gmail and Yahoo ask
    for less than 0.1 % and act at 0.3 %. Bounces: Amazon SES reviews an account at 5 % and stops it at 10 %.
    """

    min_delivery_rate: float = 0.95
    max_bounce_rate: float = 0.03
    max_complaint_rate: float = 0.001
    pause_bounce_rate: float = 0.05
    pause_complaint_rate: float = 0.001
    suspend_bounce_rate: float = 0.1
    suspend_complaint_rate: float = 0.003


class UsageAnswer(Model):
    """What became of the mail of a page of domains, newest first, in a period of UTC days, and the quotas.

    `usage` is the sum of all domains. It is left out when they fill more than one page: add the pages up.
    """

    next_cursor: str | None = None
    period_days: int
    period_start: str
    period_end: str
    usage: ShownCounts | None = None
    domains: list[ShownUsage]
    quotas: ShownQuotas


class Verification(Model):
    """A domain after a check, with a sentence on what is missing."""

    id: str
    domain: str
    type: DomainType
    verified: bool
    ownership_verified: bool
    mx_verified: bool
    spf_verified: bool
    dkim_verified: bool
    dmarc_verified: bool
    catch_all_enabled: bool
    active: bool
    last_dns_check: str | None
    verified_at: str | None
    created_at: str
    updated_at: str
    status: DomainStatus
    summary: str


class WarmingAnswer(Model):
    """Phase, limits, use, metrics and evidence of a domain, why it does not climb or advance, and what would help."""

    domain_id: str
    domain: str
    phase: Phase
    warming_started_at: str | None
    phase_started_at: str | None
    days_in_current_phase: int
    current_limits: Limits
    today_sent: int
    this_hour_sent: int
    this_minute_sent: int
    remaining_today: int
    remaining_this_hour: int
    remaining_this_minute: int
    metrics: ShownMetrics
    eligible_for_advancement: bool
    advancement_blockers: list[str]
    climbing_blockers: list[str]
    advice: list[str]
    evidence: list[ShownEvidence]
    next_phase: Phase | None
    next_phase_limits: Limits | None
    phase_before: Phase | None
    stopped_because: str | None
    schedule: ShownSchedule
    mailbox_providers: list[ShownProvider]


class WebhookCreated(Model):
    """A new webhook with its signing secret, which only this answer shows."""

    webhook: ShownWebhook
    secret: str


class WebhookWithSecret(Model):
    """A webhook with its signing secret, which only this answer shows."""

    webhook: ShownWebhook
    secret: str


class WebhooksAnswer(Model):
    """The tenant's webhooks, newest first."""

    next_cursor: str | None = None
    webhooks: list[ShownWebhook]


class ZoneAnswer(Model):
    """The records in the domain's zone."""

    domain: ShownReference
    cloudflare: ShownZone
    records: list[ShownZoneRecord]
