"""How `/v1` differs from `/api/email`: domains are named by id or by name, and shown in Postscale's fields."""

from typing import Any

from kindling.domains import lookup
from kindling.domains.model import Domain, DomainStatus, purpose_of
from kindling.keys.model import Caller

# Nothing can be sent without these; the other records are recommended.
REQUIRED = ("ownership", "dkim", "spf", "return_path")


def find(caller: Caller, id_or_name: str) -> Domain:
    """The tenant's domain by its id or its name. Raises NotFound."""
    by_name = "." in id_or_name
    return lookup.get_by_name(caller, id_or_name) if by_name else lookup.get(caller, id_or_name)


def identify(caller: Caller, id_or_name: str) -> str:
    """The id of a domain that may be deleted already: a name is looked up, an id is not. Raises NotFound."""
    return find(caller, id_or_name).id if "." in id_or_name else id_or_name


def show(domain: Domain) -> dict[str, Any]:
    """The domain in the fields of `/v1/domains`."""
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


def list_page(caller: Caller, *, limit: int, offset: int) -> dict[str, Any]:
    """A page of the tenant's domains, newest first, from their rows alone."""
    domains = lookup.list_rows(caller)
    return {"domains": [show(domain) for domain in domains[offset : offset + limit]], "limit": limit, "offset": offset}


def show_dns(domain: Domain) -> dict[str, Any]:
    """The records that the domain needs in DNS, and which of them the provider has found."""
    found = _found(domain)
    records = []
    for record in domain.dns_records:
        purpose = purpose_of(record, domain.domain)
        shown = {"purpose": purpose, **record.model_dump(exclude_none=True)}
        records.append(shown | {"required": purpose in REQUIRED, "verified": found.get(purpose)})
    return {"domain": domain.domain, "records": records}


def show_verification(domain: Domain) -> dict[str, Any]:
    """The domain after a check, with a sentence on what is missing."""
    missing = [name.upper() for name, stands in _found(domain).items() if not stands]
    status = f"{domain.domain} is {domain.status}"
    summary = f"{status}; not found yet: {', '.join(missing)}" if missing else f"{status}; all records stand"
    return {**show(domain), "status": domain.status, "summary": f"{summary}."}


def _found(domain: Domain) -> dict[str, bool]:
    return {"ownership": domain.ownership.proven, **domain.checks.model_dump()}
