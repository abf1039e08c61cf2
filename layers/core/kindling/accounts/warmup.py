"""The calls to the warmup provider for one account. All are idempotent and raise ProviderError."""

from kindling import providers
from kindling.accounts.model import DAILY_LIMIT, Account
from kindling.errors import ProviderError, WarmupBusy, WarmupUnconfirmed
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.providers.model import WarmupAccount, WarmupRegistration

SECRET_NAME = "kindling-warmup"  # noqa: S105
# How the label of every tag that Kindling creates begins.
TAG_MARK = "kindling:"
WARMUP_TAG = f"{TAG_MARK}warmup"
# `warmup_status` of an account at Instantly; the negative ones are bans and suspensions.
ACTIVE, PAUSED = 1, 0
CONFIRM_PAUSE_SECONDS = 0.5
BUSY_PAUSE_SECONDS = 1.0
TAG_SECONDS = 5.0


def check(address: str) -> None:
    """Raises ProviderError when the provider does not answer the look-ups that the later steps begin with.

    An undo after the inbox was created burns its address; one before that costs nothing.
    """
    is_active(address)
    providers.warmup().find_tag(WARMUP_TAG)


def register(address: str, first_name: str | None, last_name: str | None) -> WarmupAccount | None:
    """Register the account with a login to its inbox; if it is registered, the account as the provider shows it.

    The login is a key for this inbox only. It is created and handed over within this call, and not stored.
    """
    warmup = providers.warmup()
    registered = warmup.get_account(address)
    if registered:
        return registered
    mail = providers.mail()
    # The key of a registration that failed cannot be read again: it is replaced.
    mail.delete_mail_secrets(address, SECRET_NAME)
    registration = WarmupRegistration(
        email=address,
        **names(address, first_name, last_name),
        mail_secret=mail.create_mail_secret(address, SECRET_NAME),
        daily_limit=DAILY_LIMIT,
    )
    warmup.create_account(registration)
    return None


def names(address: str, first_name: str | None, last_name: str | None) -> dict[str, str]:
    """The names of an account at the provider, which asks for both: the parts of the address where none are given."""
    local_part, _, domain = address.partition("@")
    return {"first_name": first_name or local_part, "last_name": last_name or domain}


def unregister(address: str) -> None:
    """Delete the account at the provider, and the login to its inbox."""
    providers.warmup().delete_account(address)
    providers.mail().delete_mail_secrets(address, SECRET_NAME)


def enable(address: str, *, within_seconds: float) -> None:
    """Switch warmup on. While another job runs there it is waited for; raises WarmupBusy when that takes too long."""
    deadline = clock.monotonic() + within_seconds
    while not is_active(address):
        try:
            providers.warmup().enable_warmups([address])
        except WarmupBusy:
            if clock.monotonic() >= deadline:
                raise
            clock.sleep(BUSY_PAUSE_SECONDS)
        else:
            return


def disable(address: str) -> None:
    """Switch warmup off, unless another job runs at the provider: the account is deleted next in any case."""
    if is_active(address):
        try:
            providers.warmup().disable_warmup(address)
        except WarmupBusy:
            return


def confirm(address: str, *, within_seconds: float = 0) -> None:
    """Wait until the provider shows warmup as on, because enabling only queues a job. Raises WarmupUnconfirmed."""
    deadline = clock.monotonic() + within_seconds
    while not is_active(address):
        if clock.monotonic() >= deadline:
            raise WarmupUnconfirmed("Instantly accepted the request and does not show the account warming yet.")
        clock.sleep(CONFIRM_PAUSE_SECONDS)


def assign_tags(address: str, user_id: str) -> dict[str, str]:
    """Assign the tenant's tag and the warmup tag to the account; their ids. Raises TagVanished."""
    tags = {"tag_id": _tag(tenant_tag(user_id)), "warmup_tag_id": _tag(WARMUP_TAG)}
    providers.warmup().tag_account(address, list(tags.values()))
    return tags


def try_tags(account: Account) -> dict[str, str]:
    """The ids of the tags that the account certainly carries: without its tags it is warming all the same."""
    try:
        with clock.within(TAG_SECONDS):
            tags = assign_tags(account.email_address, account.user_id)
    except ProviderError as error:
        logger.warning("tags not assigned", account_id=account.id, reason=str(error))
        return {}
    return {"instantly_tag_id": tags["tag_id"], "instantly_warmup_tag_id": tags["warmup_tag_id"]}


def remove_tags(address: str, user_id: str) -> None:
    """Delete the tags that no other account has. Others are removed from this account when it is deleted."""
    warmup = providers.warmup()
    for label in (tenant_tag(user_id), WARMUP_TAG):
        tag_id = warmup.find_tag(label)
        if tag_id and set(warmup.some_tagged(tag_id)) <= {address}:
            # An account that is being tagged now raises TagVanished, and its step creates the tag again.
            warmup.delete_tag(tag_id)


def tenant_tag(user_id: str) -> str:
    """The label of a tenant's tag."""
    return f"{TAG_MARK}{user_id}"


def is_active(address: str) -> bool:
    """Whether the provider shows warmup as on."""
    account = providers.warmup().get_account(address)
    return account is not None and account.warmup_status == ACTIVE


def _tag(label: str) -> str:
    """The id of the tag with a label, which is created if necessary."""
    warmup = providers.warmup()
    return warmup.find_tag(label) or warmup.create_tag(label)
