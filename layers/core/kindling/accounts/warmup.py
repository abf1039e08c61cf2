"""What is done at the warmup provider for one account. Every function may run again."""

from kindling import providers
from kindling.accounts.model import DAILY_LIMIT
from kindling.errors import WarmupBusy, WarmupUnconfirmed
from kindling.platform import clock
from kindling.providers.model import WarmupRegistration

SECRET_NAME = "kindling-warmup"  # noqa: S105
# What the label of every tag of ours begins with.
TAG_MARK = "kindling:"
WARMUP_TAG = f"{TAG_MARK}warmup"
ACTIVE = 1
CONFIRM_PAUSE_SECONDS = 0.5


def register(address: str, first_name: str | None, last_name: str | None) -> None:
    """Give the provider the account and a login to its inbox, unless it has both.

    The login is an inbox-scoped key, made and handed over within this call and kept nowhere.
    """
    warmup = providers.warmup()
    if warmup.get_account(address):
        return
    mail = providers.mail()
    # A key whose registration failed cannot be shown again: it is replaced.
    mail.delete_mail_secrets(address, SECRET_NAME)
    registration = WarmupRegistration(
        email=address,
        **names(address, first_name, last_name),
        mail_secret=mail.create_mail_secret(address, SECRET_NAME),
        daily_limit=DAILY_LIMIT,
    )
    warmup.create_account(registration)


def names(address: str, first_name: str | None, last_name: str | None) -> dict[str, str]:
    """The names of an account at the provider, which asks for both: the parts of the address where none are given."""
    local_part, _, domain = address.partition("@")
    return {"first_name": first_name or local_part, "last_name": last_name or domain}


def unregister(address: str) -> None:
    """Take account and login away."""
    providers.warmup().delete_account(address)
    providers.mail().delete_mail_secrets(address, SECRET_NAME)


def enable(address: str) -> None:
    """Ask for warmup unless it is on. Raises WarmupBusy behind another job, ProviderError."""
    if not is_active(address):
        providers.warmup().enable_warmup(address)


def disable(address: str) -> None:
    """Switch warmup off where it is on; behind another job the removal that follows has to do."""
    if is_active(address):
        try:
            providers.warmup().disable_warmup(address)
        except WarmupBusy:
            return


def confirm(address: str, *, within_seconds: float = 0) -> None:
    """Raises WarmupUnconfirmed unless the provider shows the account warming within the time given.

    Enabling only queues a job there: the account itself is the truth.
    """
    deadline = clock.monotonic() + within_seconds
    while not is_active(address):
        if clock.monotonic() >= deadline:
            raise WarmupUnconfirmed("Instantly accepted the request and does not show the account warming yet.")
        clock.sleep(CONFIRM_PAUSE_SECONDS)


def assign_tags(address: str, user_id: str) -> dict[str, str]:
    """Put the tenant's tag and the warmup tag on the account; their ids. Raises TagVanished."""
    tags = {"tag_id": _tag(tenant_tag(user_id)), "warmup_tag_id": _tag(WARMUP_TAG)}
    providers.warmup().tag_account(address, list(tags.values()))
    return tags


def remove_tags(address: str, user_id: str) -> None:
    """Remove the tags that no other account carries; from this one they go with the account itself."""
    warmup = providers.warmup()
    for label in (tenant_tag(user_id), WARMUP_TAG):
        tag_id = warmup.find_tag(label)
        if tag_id and set(warmup.some_tagged(tag_id)) <= {address}:
            # Somebody may be about to use it: their assignment then finds it gone and makes it anew.
            warmup.delete_tag(tag_id)


def tenant_tag(user_id: str) -> str:
    return f"{TAG_MARK}{user_id}"


def is_active(address: str) -> bool:
    account = providers.warmup().get_account(address)
    return account is not None and account.warmup_status == ACTIVE


def _tag(label: str) -> str:
    warmup = providers.warmup()
    return warmup.find_tag(label) or warmup.create_tag(label)
