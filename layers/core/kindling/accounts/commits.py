"""The transactions that write an account's row together with its claim and with what other topics add."""

from kindling.accounts import claims, store
from kindling.accounts.model import FIRST_RETRY, PENDING, WARMUP_KIND, Account, DeprovisionAccount, account_key
from kindling.cleanups import parts as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import parts as domains
from kindling.errors import NotFound, StaleStatus
from kindling.operations import parts as operations
from kindling.platform import clock, due, table
from kindling.platform.observability import TRANSITIONS


def save(account: Account, operation_id: str) -> None:
    """Write the row, move its claim to `in_use` and close the operation, in one transaction. Idempotent.

    A pending account is due, so that its warmup is enabled again.

    Raises NotFound when the domain was deleted meanwhile, StaleStatus when claim or operation changed meanwhile.
    """
    claim = claims.claim_key(account.email_address)
    item = {
        **account_key(account.user_id, account.id),
        "owner": f"{account.user_id}#account",
        # Counted from the first retry on.
        **account.model_dump(mode="json", exclude_none=True, exclude={"warmup_attempts"}),
    }
    if account.state == PENDING:
        item |= due.fields(WARMUP_KIND, account.id, clock.now() + FIRST_RETRY)
    mine = {"account_id": account.id}
    try:
        table.transact(
            [
                {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
                domains.exists(account.user_id, account.domain_id),
                {"Update": claims.GRAPH.update(claim, claims.IN_USE, seen=mine, drop=("warmup_refusal",))},
                store.first_review(account.user_id),
                operations.succeeded(account.user_id, operation_id),
            ]
        )
    except table.TransactionFailed as lost:
        if lost.items[0] is not None:
            return
        if lost.items[1] is not None:
            raise NotFound("The domain was deleted while the account was made.") from lost
        raise StaleStatus("The address or the operation was settled by somebody else meanwhile.") from lost
    TRANSITIONS.add(1, "account", account.warmup_status)


def retire(retirement: DeprovisionAccount) -> None:
    """Delete the row, burn the address and schedule the cleanups, in one transaction. Idempotent."""
    user_id, account_id, address = retirement.user_id, retirement.account_id, retirement.address
    # The claim keeps its other attributes: late events about its messages still find their domain.
    burnt = claims.GRAPH.update(
        claims.claim_key(address), claims.BURNT, put={"account_id": account_id, "user_id": user_id}
    )
    try:
        table.transact(
            [
                {"Delete": {"Key": account_key(user_id, account_id), "ConditionExpression": "attribute_exists(pk)"}},
                {"Update": burnt},
                cleanups.scheduled(user_id, CleanupKind.WARMUP_ACCOUNT, address, account_id),
                cleanups.scheduled(user_id, CleanupKind.INBOX, address, account_id),
                operations.ended(address, account_id, user_id),
            ]
        )
    except table.TransactionFailed:
        return


def schedule_warmup_removal(account: Account) -> None:
    """Schedule the cleanup of the warmup of an account without a row."""
    table.transact([cleanups.scheduled(account.user_id, CleanupKind.WARMUP_ACCOUNT, account.email_address, account.id)])
