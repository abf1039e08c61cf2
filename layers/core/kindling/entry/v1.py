"""What is particular to `/v1`: domains are addressed by id or name, and returned with Postscale's fields."""

from http import HTTPStatus
from typing import Any, ClassVar, Self

from kindling.domains import lookup
from kindling.domains.model import Domain, DomainStatus, DomainType, ListSendingDomains, purpose_of
from kindling.entry.answers import Answer, Listed, Omitted, Shown
from kindling.keys.model import Caller
from kindling.platform.paging import Page

# The purposes of records without which a domain cannot send; the others are recommended.
REQUIRED = ("ownership", "dkim", "spf", "return_path")


class ShownSendingDomain(Shown):
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


class SendingDomainAnswer(Answer, ShownSendingDomain):
    """A domain, bare."""

    @classmethod
    def of(cls, domain: Domain) -> Self:
        return cls.model_validate(_fields(domain))


class SendingDomainCreated(SendingDomainAnswer):
    """A new domain, bare."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED


class SendingDomainsAnswer(Listed):
    """A page of the tenant's domains, newest first."""

    domains: list[ShownSendingDomain]
    limit: int
    offset: int

    @classmethod
    def of(cls, page: Page[Domain], query: ListSendingDomains) -> Self:
        shown = [_fields(domain) for domain in page.rows]
        asked = {"limit": query.limit, "offset": query.offset}
        return cls.model_validate({"domains": shown, **asked, "next_cursor": page.next_cursor})


class Verification(SendingDomainAnswer):
    """A domain after a check, with a sentence on what is missing."""

    status: DomainStatus
    summary: str

    @classmethod
    def of(cls, domain: Domain) -> Self:
        missing = [name.upper() for name, stands in _found(domain).items() if not stands]
        status = f"{domain.domain} is {domain.status}"
        summary = f"{status}; not found yet: {', '.join(missing)}" if missing else f"{status}; all records stand"
        return cls.model_validate({**_fields(domain), "status": domain.status, "summary": f"{summary}."})


class ShownDnsRecord(Shown):
    """`verified` is null for a record that the mail provider does not report."""

    purpose: str
    type: str
    name: str
    value: str
    priority: Omitted[int] = None
    required: bool
    verified: bool | None


class DnsAnswer(Answer):
    """The records that the domain needs in DNS, and which of them the provider has found."""

    domain: str
    records: list[ShownDnsRecord]

    @classmethod
    def of(cls, domain: Domain) -> Self:
        found = _found(domain)
        records = []
        for record in domain.dns_records:
            purpose = purpose_of(record, domain.domain)
            shown = {"purpose": purpose, **record.model_dump(exclude_none=True)}
            records.append(shown | {"required": purpose in REQUIRED, "verified": found.get(purpose)})
        return cls.model_validate({"domain": domain.domain, "records": records})


def find(caller: Caller, id_or_name: str) -> Domain:
    """The tenant's domain by its id or its name. Raises NotFound."""
    by_name = "." in id_or_name
    return lookup.get_by_name(caller, id_or_name) if by_name else lookup.get(caller, id_or_name)


def identify(caller: Caller, id_or_name: str) -> str:
    """The id of a domain. A name is looked up, an id is returned as it is. Raises NotFound for an unknown name."""
    return find(caller, id_or_name).id if "." in id_or_name else id_or_name


def _fields(domain: Domain) -> dict[str, Any]:
    return {
        "id": domain.id,
        "domain": domain.domain,
        "type": domain.type,
        "verified": domain.status == DomainStatus.VERIFIED,
        "ownership_verified": domain.ownership.proven,
        "mx_verified": domain.checks.mx,
        "spf_verified": domain.checks.spf,
        "dkim_verified": domain.checks.dkim,
        "dmarc_verified": domain.checks.dmarc,
        "catch_all_enabled": domain.catch_all_enabled,
        "active": domain.active,
        "last_dns_check": domain.last_dns_check,
        "verified_at": domain.verified_at,
        "created_at": domain.created_at,
        "updated_at": domain.updated_at,
    }


def _found(domain: Domain) -> dict[str, bool]:
    return {"ownership": domain.ownership.proven, **domain.checks.model_dump()}
