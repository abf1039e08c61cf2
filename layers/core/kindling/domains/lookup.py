"""Reading a tenant's domains."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kindling.domains import store
from kindling.domains.model import Domain, DomainStatus
from kindling.domains.names import normal_form
from kindling.errors import NotFound

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


def list_rows(caller: "Caller") -> list[Domain]:
    """The tenant's domains, newest first, as their rows are."""
    return store.list_of(caller.user_id)


def all_verified() -> Iterator[Domain]:
    """Every verified domain, of all tenants."""
    return (domain for domain in store.all_scheduled() if domain.status == DomainStatus.VERIFIED)
