"""DynamoDB calls for accounts: the row, and the claim that keeps an address with one account for ever.

Claims belong to no tenant: all tenants' inboxes live in one provider account, where an address exists once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kindling.accounts.model import (
    GRAPH,
    PENDING,
    Account,
    ClaimStatus,
    DeprovisionAccount,
    ProvisionAccount,
    State,
)
from kindling.cleanups import store as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.errors import AddressBurnt, AddressTaken, NotFound, StaleStatus
from kindling.operations import ended
from kindling.operations import store as operations
from kindling.platform import clock, due, table
from kindling.platform.table import Attr, Key


@dataclass(frozen=True)
class Holder:
    """Whose an address is."""

    user_id: str
    account_id: str
    domain_id: str


@dataclass(frozen=True)
class Claim:
    """What has become of an address, and by which account."""

    status: ClaimStatus
    user_id: str
    account_id: str


REVIEW_KIND = "review"
FIRST_REVIEW = timedelta(hours=1)


def get(user_id: str, account_id: str) -> Account | None:
    item = table.get(at(user_id, account_id))
    return Account.model_validate(item) if item else None


def list_of(user_id: str) -> list[Account]:
    """The tenant's accounts, newest first."""
    return [Account.model_validate(item) for item in table.owned(f"{user_id}#account")]


def all_of(user_id: str, domain_id: str | None = None) -> list[Account]:
    """The tenant's accounts, or those of one domain, as the table itself has them at this moment."""
    where = Key("pk").eq(f"TENANT#{user_id}") & Key("sk").begins_with("ACCOUNT#")
    items = table.pages({"KeyConditionExpression": where, "ConsistentRead": True})
    accounts = [Account.model_validate(item) for item in items]
    return [account for account in accounts if domain_id in (None, account.domain_id)]


def holder(address: str) -> Holder | None:
    """Whose address it is; None while no account has it. An address that was in use never gets another account."""
    claim = table.get(_claim(address))
    if not claim or claim["status"] != ClaimStatus.IN_USE:
        return None
    return Holder(str(claim["user_id"]), str(claim["account_id"]), str(claim["domain_id"]))


def last_holder(address: str) -> Holder | None:
    """Whose address it is, or was until it was burnt; None for one that never had an account."""
    claim = table.get(_claim(address))
    if not claim or claim["status"] == ClaimStatus.RESERVED or "domain_id" not in claim:
        return None
    return Holder(str(claim["user_id"]), str(claim["account_id"]), str(claim["domain_id"]))


def claims(addresses: Iterable[str]) -> dict[str, Claim]:
    """The claims of those addresses that have one."""
    items = table.standing(_claim(address) for address in addresses)
    return {
        str(item["pk"]).removeprefix("ADDRESS#"): Claim(
            ClaimStatus(str(item["status"])), str(item["user_id"]), str(item["account_id"])
        )
        for item in items
    }


def existing(owners: Iterable[tuple[str, str]]) -> set[str]:
    """Those of the accounts, each by its tenant and id, that have a row."""
    return {str(item["id"]) for item in table.standing(at(*owner) for owner in owners)}


def tenants() -> Iterator[str]:
    """Every tenant that has had an account."""
    return (key["pk"].removeprefix("TENANT#") for key in due.every(REVIEW_KIND))


def refuse_taken(address: str) -> None:
    """Raises AddressTaken or AddressBurnt when nobody can claim the address now."""
    claim = table.get(_claim(address))
    if claim:
        raise _claimed(address, claim)


def reserve(saga: ProvisionAccount) -> None:
    """Claim the address for this account; the same claim again is a no-op. Raises AddressTaken, AddressBurnt."""
    claim = {
        **_claim(saga.address),
        "status": ClaimStatus.RESERVED,
        "account_id": saga.account_id,
        "domain_id": saga.domain_id,
        "user_id": saga.user_id,
    }
    mine = Attr("account_id").eq(saga.account_id) & Attr("status").eq(ClaimStatus.RESERVED)
    try:
        table.put(
            claim,
            ConditionExpression=Attr("pk").not_exists() | mine,
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except table.ConditionFailed as lost:
        raise _claimed(saga.address, lost.item or {}) from lost


def release(address: str, account_id: str) -> None:
    """Free the address that the account has reserved, unless an inbox had it: then it stays burnt."""
    mine = Attr("account_id").eq(account_id) & Attr("status").eq(ClaimStatus.RESERVED)
    try:
        table.delete(_claim(address), ConditionExpression=mine)
    except table.ConditionFailed:
        return


def burn(saga: ProvisionAccount) -> None:
    """Mark the address as never to be used again, before its inbox is deleted."""
    try:
        table.update(
            _claim(saga.address),
            UpdateExpression="SET #status = :burnt",
            ConditionExpression=Attr("account_id").eq(saga.account_id),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":burnt": ClaimStatus.BURNT},
        )
    except table.ConditionFailed:
        return


def save(account: Account, operation_id: str, domain_key: dict[str, str]) -> None:
    """Write the row, settle the claim and close the operation in one transaction; repeating is harmless.

    Raises NotFound when the domain went away meanwhile.
    """
    key = at(account.user_id, account.id)
    item = {
        **key,
        "owner": f"{account.user_id}#account",
        **account.model_dump(mode="json", exclude_none=True),
    }
    settle = {
        "Key": _claim(account.email_address),
        "UpdateExpression": "SET #status = :in_use",
        "ConditionExpression": "account_id = :mine AND #status = :reserved",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":in_use": ClaimStatus.IN_USE,
            ":reserved": ClaimStatus.RESERVED,
            ":mine": account.id,
        },
    }
    try:
        table.transact(
            [
                {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
                {"ConditionCheck": {"Key": domain_key, "ConditionExpression": "attribute_exists(pk)"}},
                {"Update": settle},
                _first_review(account.user_id),
                operations.success(account.user_id, operation_id),
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
    return GRAPH.swap(at(account.user_id, account.id), to)[1]


def update(account: Account, changes: dict[str, str | bool | None]) -> Account:
    """Write what its owner changed. Raises NotFound when the account was deleted meanwhile."""
    put = {name: value for name, value in changes.items() if value is not None}
    drop = [name for name, value in changes.items() if value is None]
    item = table.change(at(account.user_id, account.id), put, drop)
    if item is None:
        raise NotFound("There is no such account.")
    return Account.model_validate(item)


def retire(retirement: DeprovisionAccount) -> None:
    """Delete the row, burn the address and note what has to be removed, in one transaction; again is harmless."""
    user_id, account_id, address = retirement.user_id, retirement.account_id, retirement.address
    # The claim's other attributes stay: late events about its mail still find their domain.
    burnt = table.assigned({"status": ClaimStatus.BURNT, "account_id": account_id, "user_id": user_id})
    try:
        table.transact(
            [
                {"Delete": {"Key": at(user_id, account_id), "ConditionExpression": "attribute_exists(pk)"}},
                {"Update": {"Key": _claim(address), **burnt}},
                cleanups.note(user_id, CleanupKind.WARMUP_ACCOUNT, address, account_id),
                cleanups.note(user_id, CleanupKind.INBOX, address, account_id),
                ended.note(address, account_id, user_id),
            ]
        )
    except table.TransactionFailed:
        return


def burying(address: str, user_id: str, account_id: str) -> list[dict[str, Any]]:
    """The part of a transaction that keeps an address from everybody for ever: an ended account's inbox goes."""
    return _kept(address, user_id, account_id, "SET #status = :burnt, account_id = :mine, user_id = :user")


def withholding(address: str, user_id: str, account_id: str) -> list[dict[str, Any]]:
    """The part of a transaction that keeps a free address from others while an ended account's warmup goes."""
    free = "if_not_exists(#status, :reserved)"
    return _kept(address, user_id, account_id, f"SET #status = {free}, account_id = :mine, user_id = :user")


def forget_warmup(account: Account) -> None:
    """Note that the warmup of an account without a row has to be removed."""
    table.transact([cleanups.note(account.user_id, CleanupKind.WARMUP_ACCOUNT, account.email_address, account.id)])


def set_review(user_id: str, at_: datetime) -> None:
    """Say when the tenant's accounts are looked at next."""
    key = _review(user_id)
    table.put({**key, **due.fields(REVIEW_KIND, user_id, at_)})


def move(account: Account, to: State) -> Account:
    """Compare-and-swap both statuses. Raises NotFound, StaleStatus."""
    return Account.model_validate(GRAPH.move(at(account.user_id, account.id), to, drop=("retrying_until",)))


def start_retry(account: Account, now: str, until: str) -> bool:
    """Take the right to retry this account's warmup until `until`; False when somebody has it or the gate is shut."""
    free = Attr("retrying_until").not_exists() | Attr("retrying_until").lt(now)
    pending = Attr("status").eq(PENDING[0]) & Attr("warmup_status").eq(PENDING[1])
    try:
        table.update(
            at(account.user_id, account.id),
            UpdateExpression="SET retrying_until = :until",
            ConditionExpression=pending & free,
            ExpressionAttributeValues={":until": until},
        )
    except table.ConditionFailed:
        return False
    return True


def end_retry(account: Account, until: str) -> None:
    """Give the right back that `start_retry` took."""
    try:
        table.update(
            at(account.user_id, account.id),
            UpdateExpression="REMOVE retrying_until",
            ConditionExpression=Attr("retrying_until").eq(until),
        )
    except table.ConditionFailed:
        return


def at(user_id: str, account_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"ACCOUNT#{account_id}"}


def _kept(address: str, user_id: str, account_id: str, update: str) -> list[dict[str, Any]]:
    """Nothing is written while the account has a row, or the address is in use or another account's."""
    values = {":mine": account_id, ":user": user_id, ":in_use": ClaimStatus.IN_USE}
    given = {":burnt": ClaimStatus.BURNT, ":reserved": ClaimStatus.RESERVED}
    values |= {name: value for name, value in given.items() if name in update}
    claim = {
        "Key": _claim(address),
        "UpdateExpression": update,
        "ConditionExpression": "attribute_not_exists(pk) OR (account_id = :mine AND #status <> :in_use)",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": values,
    }
    row = {"Key": at(user_id, account_id), "ConditionExpression": "attribute_not_exists(pk)"}
    return [{"ConditionCheck": row}, {"Update": claim}]


def _review(user_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": "REVIEW"}


def _first_review(user_id: str) -> dict[str, Any]:
    """The part of a transaction that has the tenant's accounts looked at from now on."""
    fields = due.fields(REVIEW_KIND, user_id, clock.now() + FIRST_REVIEW)
    return {
        "Update": {
            "Key": _review(user_id),
            "UpdateExpression": "SET due_shard = :shard, due_at = if_not_exists(due_at, :at)",
            "ExpressionAttributeValues": {":shard": fields["due_shard"], ":at": fields["due_at"]},
        }
    }


def _claim(address: str) -> dict[str, str]:
    return {"pk": f"ADDRESS#{address}", "sk": "CLAIM"}


def _claimed(address: str, claim: dict[str, Any]) -> AddressTaken | AddressBurnt:
    if claim.get("status") == ClaimStatus.BURNT:
        return AddressBurnt(f"{address} belonged to an inbox that was deleted; the provider never frees it.")
    return AddressTaken(f"{address} is an inbox already, or is about to be one.")
