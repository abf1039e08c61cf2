"""How `/v1` differs from `/api/email`: domains are named by id or by name, and shown in Postscale's fields."""

from typing import Any

from kindling.domains import service
from kindling.domains.model import Domain, DomainStatus, purpose_of
from kindling.keys.model import Caller
from kindling.operations.model import Operation

# Nothing can be sent without these; the other records are recommended.
REQUIRED = ("ownership", "dkim", "spf", "return_path")


def find(caller: Caller, id_or_name: str) -> Domain:
    """The tenant's domain by its id or its name. Raises NotFound."""
    by_name = "." in id_or_name
    return service.get_by_name(caller, id_or_name) if by_name else service.get(caller, id_or_name)


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
    domains = service.list_domains(caller, skip_sync=True)
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


def verify(caller: Caller, id_or_name: str) -> dict[str, Any]:
    """Trigger the provider's check; the domain after it, with a sentence on what is missing.

    Raises as `domains.service.verify`.
    """
    domain = service.verify(caller, find(caller, id_or_name).id, poll=False)
    missing = [name.upper() for name, stands in _found(domain).items() if not stands]
    status = f"{domain.domain} is {domain.status}"
    summary = f"{status}; not found yet: {', '.join(missing)}" if missing else f"{status}; all records stand"
    return {**show(domain), "status": domain.status, "summary": f"{summary}."}


def delete(caller: Caller, id_or_name: str, *, wait_seconds: float) -> Operation | None:
    """Delete a domain by id or name; only by id is it idempotent. Raises as `domains.service.delete`."""
    domain_id = find(caller, id_or_name).id if "." in id_or_name else id_or_name
    return service.delete(caller, domain_id, wait_seconds=wait_seconds)


def _found(domain: Domain) -> dict[str, bool]:
    return {"ownership": domain.ownership.proven, **domain.checks.model_dump()}
