"""The steps of the sagas `provision_account` and `deprovision_account`, and their undos. All are idempotent."""

from kindling import providers
from kindling.accounts import claims, commits, enabling, service, store, warmup
from kindling.accounts.model import PENDING, WARMING, Account, DeprovisionAccount, ProvisionAccount, mark
from kindling.errors import AccountsLeft, ProviderRefused
from kindling.operations import service as operations
from kindling.platform import clock

# How long the inbox of a create without a clear answer is looked up: AgentMail may show a new inbox late.
INBOX_APPEARS_SECONDS = 10.0
LOOKUP_PAUSE_SECONDS = 1.0
# How long one attempt looks whether warmup is on; the machine makes several.
CONFIRM_SECONDS = 1.0
UNCONFIRMED = "Instantly did not show the account warming when it was saved; that is tried again."
CREATE_STEP = "CreateInbox"
# After these errors of the create, there is certainly no inbox.
DEFINITE = (
    "ProviderRefused",
    "ProviderMisconfigured",
    "KeyRefused",
    "AddressTaken",
    "AddressBurnt",
    "DomainNotVerified",
)


def reserve_address(saga: ProvisionAccount) -> None:
    """Claim the address for the account, and check what can be checked before its inbox exists.

    Raises AddressTaken, AddressBurnt, ProviderError.
    """
    claims.reserve(saga)
    warmup.check(saga.address)


def release_address(saga: ProvisionAccount, caught: dict[str, str]) -> str:
    """Release the address unless it is burnt, and close the operation; the sentence that says why the saga failed.

    `caught` is the output of the saga's Catch: Error, Cause and Step.
    """
    claims.release(saga.address, saga.account_id)
    return operations.fail(
        saga.user_id, saga.operation_id, caught, kind=service.PROVISION, name=saga.address, subject_id=saga.account_id
    )


def create_inbox(saga: ProvisionAccount) -> str:
    """Create the inbox, with the account's mark; its id.

    Raises AddressTaken, AddressBurnt, DomainNotVerified, ProviderError.
    """
    inbox = providers.mail().create_inbox(
        saga.username, saga.domain, client_id=mark(saga.account_id), display_name=saga.display_name
    )
    return inbox.inbox_id


def delete_inbox(saga: ProvisionAccount, caught: dict[str, str]) -> None:
    """Burn the address and delete its inbox, if there is one and it carries the account's mark; see `claims`."""
    mail = providers.mail()
    unclear = caught.get("Step") == CREATE_STEP and caught.get("Error") not in DEFINITE
    deadline = clock.monotonic() + (INBOX_APPEARS_SECONDS if unclear else 0)
    inbox = mail.get_inbox(saga.address)
    while inbox is None and clock.monotonic() < deadline:
        clock.sleep(LOOKUP_PAUSE_SECONDS)
        inbox = mail.get_inbox(saga.address)
    if inbox and inbox.client_id == mark(saga.account_id):
        claims.burn(saga)
        mail.delete_inbox(saga.address)


def register_warmup_account(saga: ProvisionAccount) -> None:
    """Register the account at the warmup provider. Raises ProviderError."""
    warmup.register(saga.address, saga.first_name, saga.last_name)


def remove_warmup_account(saga: ProvisionAccount) -> None:
    """Delete the account at the warmup provider, and its login. Raises ProviderError."""
    warmup.unregister(saga.address)


def enable_warmup(saga: ProvisionAccount) -> None:
    """Queue the account for the worker that enables warmups. Raises StoreUnavailable."""
    enabling.hand_over(saga.user_id, saga.account_id, saga.address)


def disable_warmup(saga: ProvisionAccount) -> None:
    """Switch warmup off. Raises ProviderError."""
    warmup.disable(saga.address)


def confirm_warmup(saga: ProvisionAccount) -> None:
    """Raises WarmupUnconfirmed unless the provider shows warmup as on, now or within a moment.

    Raises ProviderRefused when the provider has refused it.
    """
    claim = claims.find(saga.address)
    if claim and claim.warmup_refusal:
        raise ProviderRefused(claim.warmup_refusal)
    warmup.confirm(saga.address, within_seconds=CONFIRM_SECONDS)


def assign_tags(saga: ProvisionAccount) -> dict[str, str]:
    """Assign the tenant's tag and the warmup tag to the account; their ids. Raises TagVanished."""
    return warmup.assign_tags(saga.address, saga.user_id)


def remove_tags(saga: ProvisionAccount) -> None:
    """Delete the tags that no other account has. Raises ProviderError."""
    warmup.remove_tags(saga.address, saga.user_id)


def retire_account(retirement: DeprovisionAccount) -> None:
    """Delete the row, burn the address and schedule the cleanups of the providers' resources."""
    commits.retire(retirement)


def deprovision_accounts(user_id: str, domain_id: str) -> None:
    """Start the deprovisioning of every account of a domain. Raises AccountsLeft while any has a row."""
    remaining = store.all_of(user_id, domain_id)
    for account in remaining:
        service.start_deletion(account)
    if remaining:
        raise AccountsLeft(f"{len(remaining)} accounts of the domain are being deprovisioned.")


def save_account(saga: ProvisionAccount, tags: dict[str, str], *, inbox_id: str, warming: bool) -> None:
    """Write the row: `warming` when warmup was confirmed, otherwise `pending`, and its warmup is enabled again."""
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
        warmup_reason=None if warming else UNCONFIRMED,
        display_name=saga.display_name,
        first_name=saga.first_name,
        last_name=saga.last_name,
        instantly_tag_id=tags["tag_id"],
        instantly_warmup_tag_id=tags["warmup_tag_id"],
        created_at=now,
        updated_at=now,
    )
    commits.save(account, saga.operation_id)
