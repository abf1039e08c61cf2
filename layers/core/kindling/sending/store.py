"""DynamoDB calls of sending: the rows that a send depends on, and messages whose repeat must not count again."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from kindling.accounts.claims import Claim
from kindling.accounts.model import Account, account_key
from kindling.domains.model import Domain, domain_key
from kindling.platform import clock, table
from kindling.suppressions.model import suppression_key
from kindling.warming.model import Warming, warming_key

# As long as AgentMail knows an idempotency key (docs.agentmail.to/idempotency).
COUNTED_FOR = timedelta(hours=24)


class Counted(BaseModel):
    """A message that the gate has counted, in the windows of `minute`. It may have been sent; with an id, it was."""

    minute: str
    fingerprint: str
    message_id: str | None = None


@dataclass(frozen=True)
class Sender:
    """The rows of a sender, the suppressed ones among the recipients of a message, and an earlier try of it."""

    account: Account | None
    domain: Domain | None
    warming: Warming | None
    suppressed: list[str]
    counted: Counted | None


def read(claim: Claim, recipients: list[str], key: str | None) -> Sender:
    """The rows to which the claim refers, None where there is none, and the suppressed ones among `recipients`.

    `key` is the message's key at the provider, under which an earlier try of it is looked for.
    """
    unique = list(dict.fromkeys(recipients))
    user_id = claim.user_id
    account, domain, warming, *entries = table.batch_get(
        [
            account_key(user_id, claim.account_id),
            domain_key(user_id, claim.domain_id),
            warming_key(user_id, claim.domain_id),
            *(suppression_key(user_id, recipient) for recipient in unique),
            *([_counted_key(user_id, key)] if key else []),
        ]
    )
    counted = entries.pop() if key else None
    return Sender(
        counted=Counted.model_validate(counted) if counted else None,
        account=Account.model_validate(account) if account else None,
        domain=Domain.model_validate(domain) if domain else None,
        warming=Warming.model_validate(warming) if warming else None,
        suppressed=[recipient for recipient, entry in zip(unique, entries, strict=True) if entry],
    )


def put_counted(user_id: str, key: str, counted: Counted) -> None:
    """Keep a message for its repeat."""
    item = {**_counted_key(user_id, key), **counted.model_dump(exclude_none=True)}
    table.put(item | {"expires_at": int((clock.now() + COUNTED_FOR).timestamp())})


def _counted_key(user_id: str, key: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"COUNTED#{key}"}
