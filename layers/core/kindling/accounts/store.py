"""DynamoDB calls for the rows of accounts, and for when a tenant's accounts are reviewed next."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from kindling.accounts import claims
from kindling.accounts.model import GRAPH, PENDING, Account, DeprovisionAccount, State, account_key
from kindling.cleanups import parts as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import parts as domains
from kindling.errors import NotFound, StaleStatus
from kindling.operations import parts as operations
from kindling.platform import clock, due, table
from kindling.platform.table import Action, Attr, Key

REVIEW_KIND = "review"
FIRST_REVIEW = timedelta(hours=1)


def get(user_id: str, account_id: str) -> Account | None:
    item = table.get(account_key(user_id, account_id))
    return Account.model_validate(item) if item else None


def list_of(user_id: str) -> list[Account]:
    """The tenant's accounts, newest first."""
    return [Account.model_validate(item) for item in table.owned(f"{user_id}#account")]


def all_of(user_id: str, domain_id: str | None = None) -> list[Account]:
    """The tenant's accounts, or those of one domain, consistently read."""
    where = Key("pk").eq(f"TENANT#{user_id}") & Key("sk").begins_with("ACCOUNT#")
    items = table.pages({"KeyConditionExpression": where, "ConsistentRead": True})
    accounts = [Account.model_validate(item) for item in items]
    return [account for account in accounts if domain_id in (None, account.domain_id)]


def save(account: Account, operation_id: str) -> None:
    """Write the row, move its claim to `in_use` and close the operation, in one transaction. Idempotent.

    Raises NotFound when the domain was deleted meanwhile, StaleStatus when claim or operation changed meanwhile.
    """
    claim = claims.claim_key(account.email_address)
    item = {
        **account_key(account.user_id, account.id),
        "owner": f"{account.user_id}#account",
        **account.model_dump(mode="json", exclude_none=True),
    }
    try:
        table.transact(
            [
                {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
                domains.exists(account.user_id, account.domain_id),
                {"Update": claims.GRAPH.update(claim, claims.IN_USE, seen={"account_id": account.id})},
                _first_review(account.user_id),
                operations.succeeded(account.user_id, operation_id),
            ]
        )
    except table.TransactionFailed as lost:
        if lost.items[0] is not None:
            return
        if lost.items[1] is not None:
            raise NotFound("The domain was deleted while the account was made.") from lost
        raise StaleStatus("The address or the operation was settled by somebody else meanwhile.") from lost


def swap(account: Account, to: State) -> bool:
    """Compare-and-swap both statuses; whether this call moved them. Raises NotFound, StaleStatus."""
    return GRAPH.swap(account_key(account.user_id, account.id), to)[1]


def update(account: Account, changes: dict[str, str | bool | None]) -> Account:
    """Write what the tenant changed. Raises NotFound when the account was deleted meanwhile."""
    put = {name: value for name, value in changes.items() if value is not None}
    drop = [name for name, value in changes.items() if value is None]
    item = table.change(account_key(account.user_id, account.id), put, drop)
    if item is None:
        raise NotFound("There is no such account.")
    return Account.model_validate(item)


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


def move(account: Account, to: State) -> Account:
    """Compare-and-swap both statuses. Raises NotFound, StaleStatus."""
    return Account.model_validate(GRAPH.move(account_key(account.user_id, account.id), to, drop=("retrying_until",)))


def start_retry(account: Account, now: str, until: str) -> bool:
    """Lease the retry of the account's warmup until `until`; False when it is leased, or the account is not pending."""
    free = Attr("retrying_until").not_exists() | Attr("retrying_until").lt(now)
    pending = Attr("status").eq(PENDING[0]) & Attr("warmup_status").eq(PENDING[1])
    try:
        table.update(
            account_key(account.user_id, account.id),
            UpdateExpression="SET retrying_until = :until",
            ConditionExpression=pending & free,
            ExpressionAttributeValues={":until": until},
        )
    except table.ConditionFailed:
        return False
    return True


def end_retry(account: Account, until: str) -> None:
    """Give back the lease that `start_retry` took."""
    try:
        table.update(
            account_key(account.user_id, account.id),
            UpdateExpression="REMOVE retrying_until",
            ConditionExpression=Attr("retrying_until").eq(until),
        )
    except table.ConditionFailed:
        return


def tenants() -> Iterator[str]:
    """Every tenant that has had an account."""
    return (key["pk"].removeprefix("TENANT#") for key in due.every(REVIEW_KIND))


def set_review(user_id: str, instant: datetime) -> None:
    """Schedule the next review of the tenant's accounts."""
    table.put({**_review_key(user_id), **due.fields(REVIEW_KIND, user_id, instant)})


def _first_review(user_id: str) -> Action:
    """Schedule the first review of the tenant's accounts; a scheduled one stays as it is."""
    fields = due.fields(REVIEW_KIND, user_id, clock.now() + FIRST_REVIEW)
    return {
        "Update": {
            "Key": _review_key(user_id),
            "UpdateExpression": "SET due_shard = :shard, due_at = if_not_exists(due_at, :at)",
            "ExpressionAttributeValues": {":shard": fields["due_shard"], ":at": fields["due_at"]},
        }
    }


def _review_key(user_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": "REVIEW"}
