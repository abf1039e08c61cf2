"""Answers about domains, as `/api/email` shows them."""

from http import HTTPStatus
from typing import ClassVar, Literal, Self

from kindling.domains.model import Domain, DomainStatus
from kindling.entry.answers import Answer, Listed, Omitted, Shown
from kindling.platform.paging import Page


class ShownRecord(Shown):
    """A record that the domain needs in DNS."""

    type: str
    name: str
    value: str
    priority: Omitted[int] = None


class ShownConflict(Shown):
    type: str
    name: str
    value: str
    found: str


class ShownSync(Shown):
    status: str
    zone: str | None
    message: str | None
    conflicts: list[ShownConflict]


class ShownOwnership(Shown):
    verified: bool
    verified_at: str | None
    checked_at: str | None
    missing_since: str | None
    in_use_until: str | None


class ShownDomain(Shown):
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


class ListedDomain(ShownDomain):
    """`stale` is true where provider and DNS could not be read for this list; `refreshed_at` is when they last were."""

    stale: Omitted[Literal[True]] = None


class DomainAnswer(Answer):
    """A domain."""

    domain: ShownDomain

    @classmethod
    def of(cls, domain: Domain) -> Self:
        return cls.model_validate({"domain": domain.wire()})


class DomainCreated(DomainAnswer):
    """A new domain."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED


class DomainsAnswer(Listed):
    """The tenant's domains, newest first."""

    domains: list[ListedDomain]

    @classmethod
    def of(cls, page: Page[Domain], stale: set[str]) -> Self:
        rows = [domain.wire() | {"stale": domain.id in stale or None} for domain in page.rows]
        return cls.model_validate({"domains": rows, "next_cursor": page.next_cursor})


class ShownReference(Shown):
    id: str
    domain: str
    status: DomainStatus


class ShownZone(Shown):
    """Whether the zone could be read; the contract's names."""

    checked: bool
    zoneId: str | None  # noqa: N815
    zoneName: str | None  # noqa: N815
    error: str | None


class ShownZoneRecord(Shown):
    id: str
    type: str
    name: str
    value: str
    priority: int | None
    ttl: int
    proxied: bool


class ZoneAnswer(Answer):
    """The records in the domain's zone."""

    domain: ShownReference
    cloudflare: ShownZone
    records: list[ShownZoneRecord]


class ShownPlan(Shown):
    """The changes to the zone, made or only planned."""

    add: list[ShownRecord]
    remove: list[ShownZoneRecord]
    conflicts: list[ShownConflict]


class SyncAnswer(Answer):
    """What came of publishing the domain's records, and the changes to its zone."""

    domain: ShownReference
    dns_sync: ShownSync
    plan: ShownPlan
    dry_run: bool
