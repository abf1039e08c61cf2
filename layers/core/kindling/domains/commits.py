"""The transactions that write a domain's row together with its claims and with what other topics add."""

from typing import Any

from kindling.cleanups import parts as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import claims, store
from kindling.domains.model import GRAPH, Domain, DomainStatus, OffboardDomain, domain_key
from kindling.errors import DomainTaken, StaleStatus, StoreUnavailable
from kindling.operations import parts as operations
from kindling.platform import table
from kindling.platform.observability import TRANSITIONS
from kindling.platform.table import Part
from kindling.warming import parts as warming

# How often a transaction is built anew because a gate in it has changed: at 100 sends per second, a transaction of
# 10 ms still gets through in one of five with probability 0.9.
TRIES = 5


def save(domain: Domain, operation_id: str, due_fields: dict[str, str], *, claim: Part) -> None:
    """Write the row of an onboarded domain and its warming, and close its operation, in one transaction.

    `claim` takes the name for a verified one. Idempotent. Raises DomainTaken when the name was taken since it was
    looked up, StaleStatus when the operation was closed by another execution, StoreUnavailable when the name's former
    domain keeps sending.
    """
    owner = {"owner": f"{domain.user_id}#domain"}
    row = domain.model_dump(mode="json", exclude_none=True)
    item = {**domain_key(domain.user_id, domain.id), **owner, **row, **due_fields}
    actions: Part = [
        {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
        operations.succeeded(domain.user_id, operation_id),
        *claim,
    ]
    verified = domain.status == DomainStatus.VERIFIED
    for _ in range(TRIES):
        last = _last(domain.domain) if verified else None
        begun = warming.created(domain.user_id, domain.id, verified=verified, last=last)
        try:
            table.transact([*actions, *begun])
        except table.TransactionFailed as lost:
            saved, settled, *rest = (item is not None for item in lost.items)
            if saved:
                return
            if settled:
                raise StaleStatus("The operation was settled by somebody else meanwhile.") from lost
            if any(rest[: len(claim)]):
                raise DomainTaken(f"{domain.domain} changed hands meanwhile.") from lost
            # The domain that had the name has sent since its gate was read: read it again.
        else:
            TRANSITIONS.add(1, "domain", domain.status)
            return
    raise StoreUnavailable("The domain that had the name keeps sending.")


def _last(name: str) -> tuple[str, str] | None:
    """The domain that verified the name last, whose gate the new one goes on from.

    The claim in the transaction holds only while it still is.
    """
    before = claims.verifier(name)
    return before.last if before else None


def retire(retirement: OffboardDomain) -> None:
    """Delete the row and release its claims, and schedule the cleanups, in one transaction. Idempotent."""
    user_id, domain_id, name = retirement.user_id, retirement.domain_id, retirement.domain
    for _ in range(2):
        try:
            table.transact(
                [
                    {"Delete": {"Key": domain_key(user_id, domain_id), "ConditionExpression": "attribute_exists(pk)"}},
                    *claims.released(user_id, name, domain_id),
                    *warming.deleted(user_id, domain_id),
                    cleanups.scheduled(user_id, CleanupKind.DNS_RECORDS, name, domain_id),
                    cleanups.scheduled(user_id, CleanupKind.MAIL_DOMAIN, name, domain_id),
                    operations.ended(name, domain_id, user_id),
                ]
            )
        except table.TransactionFailed as lost:
            if lost.items[0] is not None:
                return
            # The domain was verified, and took the name, after the claims were read: read them again.
        else:
            return
    raise StaleStatus("The domain's name changed hands while it was deleted.")


def verify(domain: Domain, *, put: dict[str, Any], drop: tuple[str, ...], claim: Part) -> Domain:
    """Move to verified, take the name by `claim` and begin the warming, in one transaction.

    Raises NotFound, and StaleStatus when the row, the name's claim or the warming keeps changing.
    """
    to = (DomainStatus.VERIFIED,)
    key = domain_key(domain.user_id, domain.id)
    # What was seen in DNS proves this challenge and no other.
    seen = {"ownership": domain.ownership.model_dump(exclude_none=True)}
    for _ in range(TRIES):
        started = warming.started(domain.user_id, domain.id, last=_last(domain.domain))
        try:
            table.transact([{"Update": GRAPH.update(key, to, put=put, drop=drop, seen=seen)}, *claim, *started])
        except table.TransactionFailed as lost:
            if lost.items[0] is not None:
                return Domain.model_validate(GRAPH.settled(lost.items[0], to))
            if any(item is not None for item in lost.items[1 : 1 + len(claim)]):
                raise StaleStatus("The domain's name changed hands meanwhile.") from lost
            # Its own warming or that of the domain that had the name has changed since it was read: read them again.
        else:
            TRANSITIONS.add(1, "domain", DomainStatus.VERIFIED)
            return store.read(key) or domain
    raise StaleStatus("The domain's warming keeps changing.")


def schedule_removal(domain: Domain) -> None:
    """Schedule the cleanups of what a domain without a row has at the providers."""
    user_id, name = domain.user_id, domain.domain
    kinds = (CleanupKind.DNS_RECORDS, CleanupKind.MAIL_DOMAIN)
    table.transact([cleanups.scheduled(user_id, kind, name, domain.id) for kind in kinds])
