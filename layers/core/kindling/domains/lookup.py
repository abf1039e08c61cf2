"""Reading a tenant's domains."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kindling.domains import store
from kindling.domains.model import Domain, DomainStatus
from kindling.errors import NotFound
from kindling.platform.names import normal_form
from kindling.platform.paging import Page, Paging

if TYPE_CHECKING:
    from kindling.keys.model import Caller

ABSENT = "There is no such domain."


def get(caller: "Caller", domain_id: str) -> Domain:
    """The tenant's domain. Raises NotFound, with the same message for another tenant's domain."""
    domain = store.get(caller.user_id, domain_id)
    if domain is None:
        raise NotFound(ABSENT)
    return domain


def get_by_name(caller: "Caller", name: str) -> Domain:
    """The tenant's domain of that name, in any spelling. Raises NotFound."""
    try:
        domain = store.find(caller.user_id, normal_form(name))
    except ValueError:
        domain = None
    if domain is None:
        raise NotFound(ABSENT)
    return domain


def page_of(caller: "Caller", paging: Paging, *, skip: int = 0) -> Page[Domain]:
    """The tenant's domains, newest first, as their rows are, without the first `skip`."""
    return store.page_of(caller.user_id, paging, skip=skip)


def by_id(user_id: str, domain_ids: Iterable[str]) -> dict[str, Domain]:
    """Those of the tenant's domains that exist, by their ids."""
    return {domain.id: domain for domain in store.some(user_id, domain_ids)}


def has_domains(user_id: str) -> bool:
    """Whether the tenant has any domain, or is about to have one, consistently read."""
    return store.any_of(user_id)


def all_verified() -> Iterator[Domain]:
    """Every verified domain, of all tenants."""
    return (domain for domain in store.all_scheduled() if domain.status == DomainStatus.VERIFIED)


def verified_of(user_id: str) -> Iterator[Domain]:
    """Every verified domain of the tenant, consistently read."""
    return (domain for domain in store.all_of(user_id) if domain.status == DomainStatus.VERIFIED)
