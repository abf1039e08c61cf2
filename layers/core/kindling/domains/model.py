"""The row of a sending domain, the transitions of its status, and when it is checked next."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kindling.domains.ownership import LABEL, Ownership
from kindling.platform.names import domain_name
from kindling.platform.paging import Paging
from kindling.platform.text import Flag
from kindling.platform.transitions import Graph
from kindling.providers.model import DnsRecord, MailRecord

# When a domain is checked after the trigger, and when verification fails. Source: Puffle's API docs, "up to 12 hours".
CHECK_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160, 320))
GIVE_UP = timedelta(hours=12)


class DomainStatus(StrEnum):
    PENDING = "pending"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"


PENDING, VERIFYING, VERIFIED, FAILED = ((status,) for status in DomainStatus)
ALLOWED = {
    PENDING: frozenset({VERIFYING, VERIFIED, FAILED}),
    VERIFYING: frozenset({VERIFYING, VERIFIED, FAILED, PENDING}),
    VERIFIED: frozenset({VERIFYING, FAILED, PENDING}),
    FAILED: frozenset({VERIFYING, VERIFIED, PENDING}),
}
GRAPH = Graph(("status",), ALLOWED)

DUE_KIND = "verification"
# The saga that deletes a domain.
ONBOARD, OFFBOARD = "onboard_domain", "offboard_domain"


def domain_key(user_id: str, domain_id: str) -> dict[str, str]:
    """The key of a domain's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN#{domain_id}"}


class DnsConflict(BaseModel):
    """A wanted record that the tenant's own record prevents; `found` is the type and value of the tenant's record."""

    type: str
    name: str
    value: str
    found: str


class DnsSync(BaseModel):
    """The result of publishing the records: status `published`, `skipped`, `conflict` or `failed`."""

    status: str
    zone: str | None = None
    message: str | None = None
    conflicts: list[DnsConflict] = []


class DnsChecks(BaseModel):
    """Which kinds of records the mail provider has found in DNS."""

    mx: bool = False
    spf: bool = False
    dkim: bool = False
    dmarc: bool = False


class DomainType(StrEnum):
    """What a domain is used for. Only `outbound` and `both` may send."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BOTH = "both"
    ALIAS = "alias"


class Domain(BaseModel):
    """A domain's row, shared by both API families. Instants are ISO 8601, UTC."""

    id: str
    user_id: str
    domain: str
    agentmail_domain_id: str
    status: DomainStatus
    status_reason: str | None = None
    dns_records: list[DnsRecord] = []
    dns_sync: DnsSync
    type: DomainType = DomainType.BOTH
    catch_all_enabled: bool = False
    active: bool = True
    checks: DnsChecks = DnsChecks()
    ownership: Ownership = Ownership()
    last_dns_check: str | None = None
    verified_at: str | None = None
    verification_triggered_at: str | None = None
    due_at: str | None = None
    created_at: str
    updated_at: str

    def wire(self) -> dict[str, Any]:
        """The row as `/api/email/domains` returns it. Records without a priority omit the field."""
        records = [record.model_dump(exclude_none=True) for record in self.dns_records]
        return {
            **self.model_dump(mode="json", exclude={"verification_triggered_at", "due_at", *V1_ONLY}),
            "dns_records": records,
            "ownership": self.ownership.wire(),
            "refreshed_at": self.last_dns_check,
        }

    @property
    def why_not_sending(self) -> list[str]:
        """The reasons why the domain cannot send; empty when it can. Limits and suppressions are not checked here."""
        problems = []
        if self.status != DomainStatus.VERIFIED:
            problems.append(f"{self.domain} is {self.status}, not verified")
        if not self.active:
            problems.append(f"{self.domain} is switched off")
        if self.type not in (DomainType.OUTBOUND, DomainType.BOTH):
            problems.append(f"{self.domain} is of type {self.type}, which does not send")
        return problems


# Returned by `/v1/domains` only.
V1_ONLY = ("type", "catch_all_enabled", "active", "checks", "last_dns_check")


def checks(records: Iterable[MailRecord], domain: str) -> DnsChecks:
    """Summarize which of a domain's records the mail provider has found in DNS."""
    valid = {purpose_of(record, domain) for record in records if record.valid}
    return DnsChecks.model_validate(dict.fromkeys(valid, True))


def required_records(records: Iterable[DnsRecord]) -> list[DnsRecord]:
    """The records to publish, as the row stores them: without the mail provider's check results."""
    return [DnsRecord.model_validate(record.model_dump(include=set(DnsRecord.model_fields))) for record in records]


def purpose_of(record: DnsRecord, domain: str) -> str:
    """The purpose of a domain's record: `ownership`, `mx`, `spf`, `dkim`, `dmarc` or `return_path`."""
    name = record.name.lower().rstrip(".")
    if name == f"{LABEL}.{domain}":
        return "ownership"
    if record.type == "MX":
        return "mx" if name in (domain, f"*.{domain}") else "return_path"
    if "._domainkey." in name:
        return "dkim"
    return "dmarc" if name.startswith("_dmarc.") else "spf" if record.value.startswith("v=spf1") else "return_path"


class CreateDomain(BaseModel):
    """The body of `POST /api/email/domains`."""

    model_config = ConfigDict(extra="forbid")

    domain: Annotated[str, AfterValidator(domain_name)]


class ListDomains(Paging):
    """The query of `GET /api/email/domains`; with `skip_sync` nothing is read from the provider."""

    skip_sync: Flag = False


class ListSendingDomains(Paging):
    """The query of `GET /v1/domains`. Continue with `cursor`, or with `offset`, which reads what it skips."""

    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0)


class SyncDnsRecords(BaseModel):
    """The query of `POST /api/email/domains/{id}/dns-records/sync`; with `dry_run` nothing is written."""

    model_config = ConfigDict(extra="forbid")

    dry_run: Flag = False


class VerifyDomain(BaseModel):
    """The query of `POST /api/email/domains/{id}/verify`; with `poll` the check is only read."""

    model_config = ConfigDict(extra="forbid")

    poll: Flag = False


class UpdateDomain(BaseModel):
    """The body of `PATCH /api/email/domains/{id}`. `verified` is refused: only a check sets it."""

    model_config = ConfigDict(extra="forbid")

    status: Literal[DomainStatus.PENDING, DomainStatus.VERIFYING, DomainStatus.FAILED]


class CreateSendingDomain(CreateDomain):
    """The body of `POST /v1/domains`."""

    type: DomainType = DomainType.INBOUND
    catch_all_enabled: bool = False


class UpdateSendingDomain(BaseModel):
    """The body of `PUT /v1/domains/{id}`. Omitted fields are unchanged."""

    model_config = ConfigDict(extra="forbid")

    type: DomainType | None = None
    catch_all_enabled: bool | None = None
    active: bool | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError("must change at least one of type, catch_all_enabled, active")
        return self


class OffboardDomain(BaseModel):
    """The input of every step of the `offboard_domain` saga."""

    operation_id: str
    user_id: str
    domain_id: str
    domain: str


class OnboardDomain(BaseModel):
    """The input of every step of the `onboard_domain` saga."""

    operation_id: str
    user_id: str
    domain_id: str
    domain: str
    type: DomainType = DomainType.BOTH
    catch_all_enabled: bool = False


def next_check(triggered_at: datetime, now: datetime) -> datetime:
    """When a verifying domain is checked next: the first of `CHECK_DELAYS` still to come, finally `GIVE_UP`."""
    delays = (*CHECK_DELAYS, GIVE_UP)
    return next((triggered_at + delay for delay in delays if triggered_at + delay > now), triggered_at + GIVE_UP)


def status_after(
    current: DomainStatus,
    provider_status: str,
    triggered_at: datetime | None,
    now: datetime,
    *,
    shown: bool | None,
    lost: bool = False,
) -> DomainStatus:
    """The status of a domain after a check.

    `shown` is whether the domain's ownership challenge is in DNS; None when DNS gave no clear answer. A domain becomes
    verified when the provider has verified it and the challenge is shown. A verified one stays verified until the
    challenge is `lost`: missing for its whole grace period. A pending one stays pending until the provider has verified
    or refused it. A failed one stays failed once `GIVE_UP` has passed, until the provider has verified it or another
    check is triggered.
    """
    over = triggered_at is None or now >= triggered_at + GIVE_UP
    match provider_status, current:
        case "VERIFIED", DomainStatus.VERIFIED:
            return DomainStatus.PENDING if lost else DomainStatus.VERIFIED
        case "VERIFIED", _ if shown:
            return DomainStatus.VERIFIED
        case "VERIFIED", DomainStatus.VERIFYING if shown is None and not over:
            return DomainStatus.VERIFYING
        case "VERIFIED", DomainStatus.FAILED if shown is None:
            return DomainStatus.FAILED
        case "VERIFIED", _:
            return DomainStatus.PENDING
        case "FAILED", _:
            return DomainStatus.FAILED
        case "INVALID", DomainStatus.VERIFIED:
            return DomainStatus.FAILED
        case _, DomainStatus.VERIFYING if over:
            return DomainStatus.FAILED
        case _, DomainStatus.FAILED if not over:
            return DomainStatus.VERIFYING
        case _, DomainStatus.VERIFIED:
            return DomainStatus.VERIFYING
        case _:
            return current
