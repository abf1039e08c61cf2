"""What a send depends on, read in one call as it stands at this moment."""

from dataclasses import dataclass

from kindling.accounts import service as accounts
from kindling.accounts.model import Account
from kindling.accounts.store import Holder
from kindling.domains import service as domains
from kindling.domains.model import Domain
from kindling.platform import table
from kindling.suppressions import service as suppressions
from kindling.warming import service as warmings
from kindling.warming.model import Warming


@dataclass(frozen=True)
class Standing:
    """A sender as it stands, and those recipients of a message that must not be written to."""

    account: Account | None
    domain: Domain | None
    warming: Warming | None
    suppressed: list[str]


def standing(holder: Holder, recipients: list[str]) -> Standing:
    """The rows of account, domain and warming, and the suppressions of `recipients`, consistently read."""
    unique = list(dict.fromkeys(recipients))
    user_id = holder.user_id
    account, domain, warming, *entries = table.fetch(
        [
            accounts.key(user_id, holder.account_id),
            domains.key(user_id, holder.domain_id),
            warmings.key(user_id, holder.domain_id),
            *(suppressions.key(user_id, recipient) for recipient in unique),
        ]
    )
    return Standing(
        account=Account.model_validate(account) if account else None,
        domain=Domain.model_validate(domain) if domain else None,
        warming=Warming.model_validate(warming) if warming else None,
        suppressed=[recipient for recipient, entry in zip(unique, entries, strict=True) if entry],
    )
