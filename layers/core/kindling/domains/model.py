"""What a sending domain is, how its status may change, and when it is looked at again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from kindling.domains.names import domain_name
from kindling.domains.ownership import LABEL, Ownership
from kindling.platform.text import Flag
from kindling.platform.transitions import Graph
from kindling.providers.model import DnsRecord, MailRecord

# Re-checks after the trigger, then the end: docs of the contract, "up to 12 hours".
LADDER = tuple(timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 160, 320))
GIVE_UP = timedelta(hours=12)


class DomainStatus(StrEnum):
    PENDING = "pending"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    FAILED = "failed"


P, V, OK, F = ((status,) for status in DomainStatus)
ALLOWED = {
    P: frozenset({V, OK, F}),
    V: frozenset({V, OK, F, P}),
    OK: frozenset({V, F, P}),
    F: frozenset({V, OK, P}),
}
GRAPH = Graph(("status",), ALLOWED)


DUE_KIND = "verification"


def domain_key(user_id: str, domain_id: str) -> dict[str, str]:
    """The key of a domain's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN#{domain_id}"}


class DnsConflict(BaseModel):
    """A record of the user's that stands where ours should; `found` is its value."""

    type: str
    name: str
    value: str
    found: str


class DnsSync(BaseModel):
    """What came of publishing the records: `published`, `skipped`, `conflict` or `failed`, and a sentence."""

    status: str
    zone: str | None = None
    message: str | None = None
    conflicts: list[DnsConflict] = []


class DnsChecks(BaseModel):
    """What the mail provider found to stand in DNS, by purpose."""

    mx: bool = False
    spf: bool = False
    dkim: bool = False
    dmarc: bool = False


class DomainType(StrEnum):
    """What a domain is for; `alias` forwards and never sends."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    BOTH = "both"
    ALIAS = "alias"


class Domain(BaseModel):
    """A domain's row, the same one for both API families; instants are ISO 8601, UTC."""

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
        """The row as `/api/email/domains` shows it; a record's priority only where it has one."""
        records = [record.model_dump(exclude_none=True) for record in self.dns_records]
        return {
            **self.model_dump(mode="json", exclude={"verification_triggered_at", "due_at", *V1_ONLY}),
            "dns_records": records,
            "ownership": self.ownership.wire(),
        }

    @property
    def why_not_sending(self) -> list[str]:
        """What keeps the domain itself from sending, each as a sentence."""
        problems = []
        if self.status != DomainStatus.VERIFIED:
            problems.append(f"{self.domain} is {self.status}, not verified")
        if not self.active:
            problems.append(f"{self.domain} is switched off")
        if self.type not in (DomainType.OUTBOUND, DomainType.BOTH):
            problems.append(f"{self.domain} is of type {self.type}, which does not send")
        return problems


# Shown by `/v1/domains` only.
V1_ONLY = ("type", "catch_all_enabled", "active", "checks", "last_dns_check")


def checks(records: Iterable[MailRecord], domain: str) -> DnsChecks:
    """Which of a domain's records the mail provider has found to stand."""
    valid = {purpose_of(record, domain) for record in records if record.valid}
    return DnsChecks.model_validate(dict.fromkeys(valid, True))


def plain_records(records: Iterable[DnsRecord]) -> list[DnsRecord]:
    """Records as a row keeps them: what has to stand, without what was found."""
    return [DnsRecord.model_validate(record.model_dump(include=set(DnsRecord.model_fields))) for record in records]


def purpose_of(record: DnsRecord, domain: str) -> str:
    """What a record is for: `ownership`, `mx`, `spf`, `dkim`, `dmarc` or `return_path`."""
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


class ListDomains(BaseModel):
    """The query of `GET /api/email/domains`; with `skip_sync` nothing is read from the provider."""

    model_config = ConfigDict(extra="forbid")

    skip_sync: Flag = False


class ListSendingDomains(BaseModel):
    """The query of `GET /v1/domains`."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=100)
    offset: int = Field(default=0, ge=0)


class VerifyDomain(BaseModel):
    """The query of `POST /api/email/domains/{id}/verify`; with `poll` the check is only read."""

    model_config = ConfigDict(extra="forbid")

    poll: Flag = False


class UpdateDomain(BaseModel):
    """The body of `PATCH /api/email/domains/{id}`; only the provider's word makes a domain verified."""

    model_config = ConfigDict(extra="forbid")

    status: Literal[DomainStatus.PENDING, DomainStatus.VERIFYING, DomainStatus.FAILED]


class CreateSendingDomain(CreateDomain):
    """The body of `POST /v1/domains`."""

    type: DomainType = DomainType.INBOUND
    catch_all_enabled: bool = False


class UpdateSendingDomain(BaseModel):
    """The body of `PUT /v1/domains/{id}`: what is left out stays."""

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
    """What every step of the `offboard_domain` saga is given."""

    operation_id: str
    user_id: str
    domain_id: str
    domain: str


class OnboardDomain(BaseModel):
    """What every step of the `onboard_domain` saga is given."""

    operation_id: str
    user_id: str
    domain_id: str
    domain: str
    type: DomainType = DomainType.BOTH
    catch_all_enabled: bool = False


def next_check(triggered_at: datetime, now: datetime) -> datetime:
    """When a verifying domain is looked at next: the first rung still ahead, in the end the moment of giving up."""
    rungs = (*LADDER, GIVE_UP)
    return next((triggered_at + rung for rung in rungs if triggered_at + rung > now), triggered_at + GIVE_UP)


def status_after(
    current: DomainStatus,
    provider_status: str,
    triggered_at: datetime | None,
    now: datetime,
    *,
    shown: bool | None,
    lost: bool = False,
) -> DomainStatus:
    """What a domain's status becomes when the provider says `provider_status` and a look at DNS `shown`.

    Verified needs both: the provider's word, and the challenge of the domain's owner, which stands in DNS (True),
    does not (False), or nobody can tell (None). A domain in use stays so until its challenge is `lost`.
    A domain that waits for its owner's records stays `pending` while the provider waits too. One that was given
    up stays `failed` once its 12 hours are over, until the provider verifies it or somebody triggers it again.
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
