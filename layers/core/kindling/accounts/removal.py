"""Removing an account's resources from the providers: how its cleanups are carried out."""

from kindling import providers
from kindling.accounts import claims, warmup
from kindling.accounts.model import mark
from kindling.cleanups.model import Cleanup


def remove_warmup_account(cleanup: Cleanup) -> None:
    """Remove the warmup account, its login and the tags that no other account has. Raises ProviderError."""
    warmup.disable(cleanup.target)
    warmup.unregister(cleanup.target)
    warmup.remove_tags(cleanup.target, cleanup.user_id)
    # An address that never had an inbox was only reserved until now.
    claims.release(cleanup.target, cleanup.subject_id)


def remove_inbox(cleanup: Cleanup) -> None:
    """Remove the inbox if it carries the account's mark. Raises ProviderError.

    The address is burnt, so an inbox without the mark was not created by Kindling.
    """
    mail = providers.mail()
    inbox = mail.get_inbox(cleanup.target)
    if inbox and inbox.client_id == mark(cleanup.subject_id):
        mail.delete_inbox(cleanup.target)
