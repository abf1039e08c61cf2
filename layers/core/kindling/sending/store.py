"""Reading all rows that a send depends on, in one consistent call."""

from dataclasses import dataclass

from kindling.accounts.claims import Claim
from kindling.accounts.model import Account, account_key
from kindling.domains.model import Domain, domain_key
from kindling.platform import table
from kindling.suppressions.model import suppression_key
from kindling.warming.model import Warming, warming_key


@dataclass(frozen=True)
class Sender:
    """The rows of a sender, and the suppressed ones among the recipients of a message."""

    account: Account | None
    domain: Domain | None
    warming: Warming | None
    suppressed: list[str]


def read(claim: Claim, recipients: list[str]) -> Sender:
    """The rows to which the claim refers, None where there is none, and the suppressed ones among `recipients`."""
    unique = list(dict.fromkeys(recipients))
    user_id = claim.user_id
    account, domain, warming, *entries = table.batch_get(
        [
            account_key(user_id, claim.account_id),
            domain_key(user_id, claim.domain_id),
            warming_key(user_id, claim.domain_id),
            *(suppression_key(user_id, recipient) for recipient in unique),
        ]
    )
    return Sender(
        account=Account.model_validate(account) if account else None,
        domain=Domain.model_validate(domain) if domain else None,
        warming=Warming.model_validate(warming) if warming else None,
        suppressed=[recipient for recipient, entry in zip(unique, entries, strict=True) if entry],
    )
