"""The steps of `provision_account` and their undos. Every one may run again and changes nothing the second time."""

from kindling import providers
from kindling.accounts import claims, commits, service, store, warmup
from kindling.accounts.model import PENDING, WARMING, Account, DeprovisionAccount, ProvisionAccount, mark
from kindling.errors import AccountsLeft
from kindling.operations import service as operations
from kindling.platform import clock

# How long a new inbox may hide: a look right after an unclear create can miss it.
INBOX_APPEARS_SECONDS = 10.0
LOOK_PAUSE_SECONDS = 1.0
CREATE_STEP = "CreateInbox"
DEFINITE = ("ProviderRefused", "ProviderMisconfigured", "AddressTaken", "AddressBurnt", "DomainNotVerified")


def reserve_address(saga: ProvisionAccount) -> None:
    """Raises AddressTaken, AddressBurnt."""
    claims.reserve(saga)


def release_address(saga: ProvisionAccount, caught: dict[str, str]) -> str:
    """Free the address unless it is burnt, and close the operation; the sentence that says why it failed."""
    claims.release(saga.address, saga.account_id)
    return operations.fail(saga.user_id, saga.operation_id, caught, name=saga.address, subject_id=saga.account_id)


def create_inbox(saga: ProvisionAccount) -> str:
    """The inbox's id. Raises AddressTaken, AddressBurnt, DomainNotVerified, ProviderError."""
    inbox = providers.mail().create_inbox(
        saga.username, saga.domain, client_id=mark(saga.account_id), display_name=saga.display_name
    )
    return inbox.inbox_id


def delete_inbox(saga: ProvisionAccount, caught: dict[str, str]) -> None:
    """Remove the inbox if it is this account's, and burn its address, which the provider never frees."""
    mail = providers.mail()
    unclear = caught.get("Step") == CREATE_STEP and caught.get("Error") not in DEFINITE
    deadline = clock.monotonic() + (INBOX_APPEARS_SECONDS if unclear else 0)
    inbox = mail.get_inbox(saga.address)
    while inbox is None and clock.monotonic() < deadline:
        clock.sleep(LOOK_PAUSE_SECONDS)
        inbox = mail.get_inbox(saga.address)
    if inbox and inbox.client_id == mark(saga.account_id):
        claims.burn(saga)
        mail.delete_inbox(saga.address)


def register_warmup_account(saga: ProvisionAccount) -> None:
    warmup.register(saga.address, saga.first_name, saga.last_name)


def remove_warmup_account(saga: ProvisionAccount) -> None:
    warmup.unregister(saga.address)


def enable_warmup(saga: ProvisionAccount) -> None:
    warmup.enable(saga.address)


def disable_warmup(saga: ProvisionAccount) -> None:
    warmup.disable(saga.address)


def confirm_warmup(saga: ProvisionAccount) -> None:
    """Raises WarmupUnconfirmed until the provider shows the account warming."""
    warmup.confirm(saga.address)


def assign_tags(saga: ProvisionAccount) -> dict[str, str]:
    """Put the tenant's tag and the warmup tag on the account; their ids."""
    return warmup.assign_tags(saga.address, saga.user_id)


def remove_tags(saga: ProvisionAccount) -> None:
    warmup.remove_tags(saga.address, saga.user_id)


def retire_account(retirement: DeprovisionAccount) -> None:
    """Delete the row; from then on cleanups name what the providers still hold."""
    commits.retire(retirement)


def deprovision_accounts(user_id: str, domain_id: str) -> None:
    """Have every account of a domain deprovisioned. Raises AccountsLeft until no row is left."""
    left = store.all_of(user_id, domain_id)
    for account in left:
        service.start_deletion(account)
    if left:
        raise AccountsLeft(f"{len(left)} accounts of the domain are being deprovisioned.")


def save_account(saga: ProvisionAccount, tags: dict[str, str], *, inbox_id: str, warming: bool) -> None:
    """Write the row: `warming` when that was confirmed, otherwise `pending`, to be retried by its owner."""
    status, warmup_status = WARMING if warming else PENDING
    now = clock.timestamp()
    account = Account(
        id=saga.account_id,
        user_id=saga.user_id,
        domain_id=saga.domain_id,
        email_address=saga.address,
        agentmail_inbox_id=inbox_id,
        instantly_account_id=saga.address,
        status=status,
        warmup_status=warmup_status,
        display_name=saga.display_name,
        first_name=saga.first_name,
        last_name=saga.last_name,
        instantly_tag_id=tags["tag_id"],
        instantly_warmup_tag_id=tags["warmup_tag_id"],
        created_at=now,
        updated_at=now,
    )
    commits.save(account, saga.operation_id)
