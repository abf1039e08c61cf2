"""DynamoDB calls of sending: the rows that a send depends on, and messages whose repeat must not count again."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from kindling.accounts.claims import Claim
from kindling.accounts.model import Account, account_key
from kindling.domains import claims as names
from kindling.domains.model import Domain, domain_key
from kindling.metrics.mailboxes import domain_of, provider_of
from kindling.metrics.model import OTHER
from kindling.platform import clock, table
from kindling.suppressions.model import suppression_key
from kindling.warming.model import Warming, warming_key

# As long as AgentMail knows an idempotency key (docs.agentmail.to/idempotency).
COUNTED_FOR = timedelta(hours=24)
# Of a recipient's domain and the names above it, those of two to so many labels are looked for among the tenant's own.
MOST_LABELS = 5


class Counted(BaseModel):
    """A message that the gate has counted, in the windows of `minute`. It may have been sent; with an id, it was."""

    minute: str
    fingerprint: str
    message_id: str | None = None


@dataclass(frozen=True)
class Sender:
    """The rows of a sender, and what the tenant has about the recipients of a message, and an earlier try of it.

    `suppressed` are recipients, `own` are domains of recipients which the tenant has verified, or names below those.
    """

    account: Account | None
    domain: Domain | None
    warming: Warming | None
    suppressed: list[str]
    own: frozenset[str]
    counted: Counted | None


def read(claim: Claim, recipients: list[str], key: str | None) -> Sender:
    """The rows to which the claim refers, None where there is none, and what is known about `recipients`.

    `key` is the message's key at the provider, under which an earlier try of it is looked for.
    """
    unique = list(dict.fromkeys(recipients))
    domains = {domain: _at_or_above(domain) for domain in map(domain_of, unique) if provider_of(domain) == OTHER}
    candidates = list(dict.fromkeys(name for above in domains.values() for name in above))
    user_id = claim.user_id
    account, domain, warming, *entries = table.batch_get(
        [
            account_key(user_id, claim.account_id),
            domain_key(user_id, claim.domain_id),
            warming_key(user_id, claim.domain_id),
            *(suppression_key(user_id, recipient) for recipient in unique),
            *(names.verified_key(name) for name in candidates),
            *([_counted_key(user_id, key)] if key else []),
        ]
    )
    counted = entries.pop() if key else None
    verified = zip(candidates, entries[len(unique) :], strict=True)
    own = {name for name, item in verified if item and names.belongs_to(item, user_id)}
    return Sender(
        counted=Counted.model_validate(counted) if counted else None,
        account=Account.model_validate(account) if account else None,
        domain=Domain.model_validate(domain) if domain else None,
        warming=Warming.model_validate(warming) if warming else None,
        suppressed=[recipient for recipient, entry in zip(unique, entries, strict=False) if entry],
        own=frozenset(domain for domain, above in domains.items() if not own.isdisjoint(above)),
    )


def put_counted(user_id: str, key: str, counted: Counted) -> None:
    """Keep a message for its repeat."""
    item = {**_counted_key(user_id, key), **counted.model_dump(exclude_none=True)}
    table.put(item | {"expires_at": int((clock.now() + COUNTED_FOR).timestamp())})


def _at_or_above(domain: str) -> list[str]:
    """The names under which a tenant may have registered a domain, or a name above it."""
    labels = domain.split(".")
    return [".".join(labels[-length:]) for length in range(2, min(len(labels), MOST_LABELS) + 1)]


def _counted_key(user_id: str, key: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"COUNTED#{key}"}
