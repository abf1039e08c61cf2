"""Reading accounts, with the domain of each."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kindling.accounts import store
from kindling.accounts.model import Account, DomainOfAccount, JoinedAccount
from kindling.domains import lookup as domains
from kindling.domains.model import Domain
from kindling.errors import NotFound
from kindling.platform.paging import Page, Paging

if TYPE_CHECKING:
    from kindling.keys.model import Caller

ABSENT = "There is no such account."


def get(caller: "Caller", account_id: str) -> JoinedAccount:
    """The tenant's account. Raises NotFound, with the same message for another tenant's account."""
    return joined(caller, load(caller, account_id))


def list_accounts(caller: "Caller", paging: Paging) -> Page[JoinedAccount]:
    """The tenant's accounts, newest first, each with its domain."""
    page = store.page_of(caller.user_id, paging)
    by_id = domains.by_id(caller.user_id, {account.domain_id for account in page.rows})
    return page.map(lambda account: _with(account, by_id.get(account.domain_id)))


def load(caller: "Caller", account_id: str) -> Account:
    """The tenant's account, without its domain. Raises NotFound."""
    account = store.get(caller.user_id, account_id)
    if account is None:
        raise NotFound(ABSENT)
    return account


def joined(caller: "Caller", account: Account) -> JoinedAccount:
    """The account with its domain, or with none when that was deleted."""
    try:
        return _with(account, domains.get(caller, account.domain_id))
    except NotFound:
        return _with(account, None)


def tenants() -> Iterator[str]:
    """Every tenant that has had an account."""
    return store.tenants()


def all_of(user_id: str) -> list[Account]:
    """Every account of the tenant, consistently read."""
    return store.all_of(user_id)


def has_accounts(user_id: str) -> bool:
    """Whether the tenant has any account, consistently read."""
    return bool(store.all_of(user_id))


def _with(account: Account, domain: Domain | None) -> JoinedAccount:
    joined = domain and DomainOfAccount(id=domain.id, domain=domain.domain, status=domain.status)
    return JoinedAccount(**account.model_dump(), email_domains=joined)
