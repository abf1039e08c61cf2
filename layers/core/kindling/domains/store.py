"""DynamoDB calls for the rows of domains; see `commits` for the transactions that write them with other items."""

from collections.abc import Iterable, Iterator
from typing import Any

from kindling.domains import claims
from kindling.domains.model import DUE_KIND, GRAPH, Domain, DomainStatus, domain_key
from kindling.errors import NotFound
from kindling.platform import due, table
from kindling.platform.observability import TRANSITIONS
from kindling.platform.paging import Page, Paging, page
from kindling.platform.table import Action, Attr


def get(user_id: str, domain_id: str) -> Domain | None:
    return read(domain_key(user_id, domain_id))


def read(key: dict[str, str]) -> Domain | None:
    item = table.get(key)
    return Domain.model_validate(item) if item else None


def page_of(user_id: str, paging: Paging, *, skip: int = 0) -> Page[Domain]:
    """The tenant's domains, newest first, without the first `skip`."""
    return page(f"{user_id}#domain", Domain.model_validate, paging, skip=skip)


def some(user_id: str, domain_ids: Iterable[str]) -> list[Domain]:
    """Those of the tenant's domains that still exist."""
    keys = [domain_key(user_id, domain_id) for domain_id in domain_ids]
    return [Domain.model_validate(item) for item in table.existing(keys)]


def find(user_id: str, name: str) -> Domain | None:
    """The tenant's domain of that name."""
    domain_id = claims.domain_id_of(user_id, name)
    return get(user_id, domain_id) if domain_id else None


def all_of(user_id: str) -> Iterator[Domain]:
    """The tenant's domains, consistently read."""
    return map(Domain.model_validate, table.below(f"TENANT#{user_id}", "DOMAIN#"))


def any_of(user_id: str) -> bool:
    """Whether the tenant has a domain, or a claim to the name of one, consistently read."""
    prefixes = ("DOMAIN#", "DOMAIN_NAME#")
    return any(table.any_below(f"TENANT#{user_id}", prefix) for prefix in prefixes)


def all_scheduled() -> Iterator[Domain]:
    """Every domain, of all tenants, that has a next check."""
    return (Domain.model_validate(item) for item in table.existing(due.every(DUE_KIND)))


def move(domain: Domain, to: DomainStatus, *, put: dict[str, Any], drop: tuple[str, ...]) -> Domain:
    """Compare-and-swap the status. Raises NotFound, StaleStatus."""
    item, changed = GRAPH.swap(domain_key(domain.user_id, domain.id), (to,), put=put, drop=drop)
    if changed:
        TRANSITIONS.add(1, "domain", to)
    return Domain.model_validate(item)


def lost(domain: Domain) -> Action:
    """Write a row whose name another tenant takes over: pending, with the new challenge that `domain` has."""
    put = domain.model_dump(mode="json", include={"ownership", "dns_records", "status_reason"}, exclude_none=True)
    update = GRAPH.update(
        domain_key(domain.user_id, domain.id),
        (DomainStatus.PENDING,),
        put=put,
        drop=("verified_at", *due.FIELDS),
        only_from=[(domain.status,)],
    )
    return {"Update": update}


def update(domain: Domain, *, put: dict[str, Any], drop: tuple[str, ...]) -> None:
    """Set attributes other than the status, unless the status has changed since the row was read."""
    try:
        table.update(
            domain_key(domain.user_id, domain.id),
            ConditionExpression=Attr("status").eq(domain.status),
            **table.assigned(put, drop),
        )
    except table.ConditionFailed:
        return


def change(domain: Domain, put: dict[str, Any]) -> Domain:
    """Set what the tenant changed. Raises NotFound when the domain was deleted meanwhile."""
    item = table.change(domain_key(domain.user_id, domain.id), put)
    if item is None:
        raise NotFound("There is no such domain.")
    return Domain.model_validate(item)
