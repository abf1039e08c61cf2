"""DynamoDB calls for the rows of accounts, and for the next review of a tenant's accounts.

See `commits` for the transactions that write rows together with other items.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from kindling.accounts.model import GRAPH, PENDING, WARMING, WARMUP_KIND, Account, State, account_key
from kindling.accounts.reputation import DailyReputation
from kindling.errors import NotFound
from kindling.platform import clock, due, table
from kindling.platform.observability import TRANSITIONS
from kindling.platform.paging import PAGE_BYTES, Page, Paging, page
from kindling.platform.table import Action, Attr

REVIEW_KIND = "review"
FIRST_REVIEW = timedelta(hours=1)
TAGS = ("instantly_tag_id", "instantly_warmup_tag_id")


def get(user_id: str, account_id: str) -> Account | None:
    item = table.get(account_key(user_id, account_id))
    return Account.model_validate(item) if item else None


def existing(ids: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Account]:
    """The existing accounts among those given as tenant and account id."""
    accounts = map(Account.model_validate, table.existing(account_key(*pair) for pair in ids))
    return {(account.user_id, account.id): account for account in accounts}


def page_of(user_id: str, paging: Paging, *, page_bytes: int = PAGE_BYTES) -> Page[Account]:
    """The tenant's accounts, newest first."""
    return page(f"{user_id}#account", Account.model_validate, paging, page_bytes=page_bytes)


def all_of(user_id: str, domain_id: str | None = None) -> list[Account]:
    """The tenant's accounts, or those of one domain, consistently read."""
    accounts = [Account.model_validate(item) for item in table.below(f"TENANT#{user_id}", "ACCOUNT#")]
    return [account for account in accounts if domain_id in (None, account.domain_id)]


def swap(account: Account, to: State) -> bool:
    """Compare-and-swap both statuses; whether this call moved them. Raises NotFound, StaleStatus."""
    return _swap(account, to)[1]


def update(account: Account, changes: dict[str, str | bool | None]) -> Account:
    """Write what the tenant changed. Raises NotFound when the account was deleted meanwhile."""
    put = {name: value for name, value in changes.items() if value is not None}
    drop = [name for name, value in changes.items() if value is None]
    item = table.change(account_key(account.user_id, account.id), put, drop)
    if item is None:
        raise NotFound("There is no such account.")
    return Account.model_validate(item)


def warm(account: Account, tags: dict[str, str]) -> Account:
    """Compare-and-swap both statuses to warming, and set the ids of the tags, or remove those that `tags` lacks.

    What is kept of earlier attempts is removed. Raises NotFound, StaleStatus.
    """
    lacking = (name for name in TAGS if name not in tags)
    drop = ("retrying_until", "warmup_reason", "warmup_attempts", *due.FIELDS, *lacking)
    return Account.model_validate(_swap(account, WARMING, put=tags, drop=drop)[0])


def _swap(account: Account, to: State, **changes: Any) -> tuple[dict[str, Any], bool]:
    item, changed = GRAPH.swap(account_key(account.user_id, account.id), to, **changes)
    if changed:
        TRANSITIONS.add(1, "account", to[1])
    return item, changed


def keep_reputation(account: Account, daily: DailyReputation) -> None:
    """Replace the reputations by day, unless the account was deleted or somebody else has replaced them meanwhile.

    `updated_at` stays: nobody has changed the account.
    """
    seen = account.daily_reputation
    values: dict[str, Any] = {":daily": daily.model_dump(mode="json")}
    condition = "attribute_exists(pk) AND attribute_not_exists(daily_reputation)"
    if seen:
        values[":seen"] = seen.last_day.isoformat()
        condition = "daily_reputation.last_day = :seen"
    try:
        table.update(
            account_key(account.user_id, account.id),
            UpdateExpression="SET daily_reputation = :daily",
            ConditionExpression=condition,
            ExpressionAttributeValues=values,
        )
    except table.ConditionFailed:
        return


def put_off(account: Account, reason: str, attempts: int, until: datetime) -> None:
    """Record why a pending account is not warming, and when that is tried again. Raises NotFound, StaleStatus."""
    put = {"warmup_reason": reason, "warmup_attempts": attempts, **due.fields(WARMUP_KIND, account.id, until)}
    _stay_pending(account, put, ())


def schedule_forgotten(account: Account, at: datetime) -> bool:
    """Have the warmup of an account that version 0 left pending tried `at`; False when it is not one any more."""
    put = due.fields(WARMUP_KIND, account.id, at)
    update = GRAPH.update(account_key(account.user_id, account.id), PENDING, put=put, only_from=[PENDING])
    update["ConditionExpression"] += " AND attribute_not_exists(due_at) AND attribute_not_exists(warmup_reason)"
    try:
        table.update(update.pop("Key"), **update)
    except table.ConditionFailed:
        return False
    return True


def give_up(account: Account, reason: str) -> None:
    """Record why a pending account stays so until its owner acts. Raises NotFound, StaleStatus."""
    _stay_pending(account, {"warmup_reason": reason}, due.FIELDS)


def _stay_pending(account: Account, put: dict[str, Any], drop: tuple[str, ...]) -> None:
    update = GRAPH.update(account_key(account.user_id, account.id), PENDING, put=put, drop=drop, only_from=[PENDING])
    try:
        table.update(update.pop("Key"), **update)
    except table.ConditionFailed as lost:
        GRAPH.settled(lost.item, PENDING)


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


def first_review(user_id: str) -> Action:
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
