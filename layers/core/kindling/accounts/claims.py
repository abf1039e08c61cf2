"""The claim that keeps an address with one account for ever.

Claims belong to no tenant: the inboxes of all tenants live in one provider account, where an address exists once.

An address is burnt before its inbox is deleted, and by nothing else: AgentMail does not give it to another inbox. That
is not documented there, but by the products whose contracts Kindling speaks. An address without an inbox is released.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kindling.accounts.model import ProvisionAccount
from kindling.errors import AddressBurnt, AddressTaken
from kindling.platform import table
from kindling.platform.transitions import ABSENT, Graph


class ClaimStatus(StrEnum):
    """What an address is used for."""

    RESERVED = "reserved"
    IN_USE = "in_use"
    BURNT = "burnt"


RESERVED, IN_USE, BURNT = ((status,) for status in ClaimStatus)
ALLOWED: dict[tuple[str, ...], frozenset[tuple[str, ...]]] = {
    ABSENT: frozenset({RESERVED, BURNT}),
    RESERVED: frozenset({RESERVED, IN_USE, BURNT, ABSENT}),
    IN_USE: frozenset({BURNT}),
    BURNT: frozenset({BURNT}),
}
GRAPH = Graph(("status",), ALLOWED)


def claim_key(address: str) -> dict[str, str]:
    """The key of the claim to an address."""
    return {"pk": f"ADDRESS#{address}", "sk": "CLAIM"}


@dataclass(frozen=True)
class Claim:
    """Which account has, or had, an address; `domain_id` is empty in a claim that only keeps others away.

    `warmup_refusal` is why the provider refused the warmup of an account that is being made.
    """

    status: ClaimStatus
    user_id: str
    account_id: str
    domain_id: str
    warmup_refusal: str


def find(address: str) -> Claim | None:
    """The claim to an address. One that was in use never gets another account."""
    item = table.get(claim_key(address))
    return _read(item) if item else None


def by_address(addresses: Iterable[str]) -> dict[str, Claim]:
    """The claims to those of the addresses that have one."""
    items = table.existing(map(claim_key, addresses))
    return {str(item["pk"]).removeprefix("ADDRESS#"): _read(item) for item in items}


def refuse_taken(address: str) -> None:
    """Raises AddressTaken or AddressBurnt when the address cannot be claimed now."""
    claim = find(address)
    if claim:
        raise refusal(address, claim.status)


def reserve(saga: ProvisionAccount) -> None:
    """Claim the address for this account. Idempotent. Raises AddressTaken, AddressBurnt."""
    owner = {"account_id": saga.account_id, "domain_id": saga.domain_id, "user_id": saga.user_id}
    item = {**claim_key(saga.address), "status": ClaimStatus.RESERVED, **owner}
    try:
        table.put(item, **GRAPH.condition(RESERVED, seen={"account_id": saga.account_id}))
    except table.ConditionFailed as lost:
        raise refusal(saga.address, (lost.item or {}).get("status")) from lost


def note_refusal(address: str, account_id: str, reason: str) -> None:
    """Tell the account's saga why its warmup was refused, if it still runs."""
    told, mine = {"warmup_refusal": reason}, {"account_id": account_id}
    update = GRAPH.update(claim_key(address), RESERVED, put=told, seen=mine, only_from=[RESERVED])
    try:
        table.update(update.pop("Key"), **update)
    except table.ConditionFailed:
        return


def release(address: str, account_id: str) -> None:
    """Release the address if the account has only reserved it. An address that had an inbox stays burnt."""
    try:
        table.delete(claim_key(address), **GRAPH.condition(ABSENT, seen={"account_id": account_id}))
    except table.ConditionFailed:
        return


def burn(saga: ProvisionAccount) -> None:
    """Mark the account's address as never to be used again, before its inbox is deleted. Idempotent."""
    mine = {"account_id": saga.account_id}
    update = GRAPH.update(claim_key(saga.address), BURNT, seen=mine, only_from=[RESERVED, IN_USE, BURNT])
    try:
        table.update(update.pop("Key"), **update)
    except table.ConditionFailed:
        return


def _read(item: dict[str, Any]) -> Claim:
    names = ("user_id", "account_id", "domain_id", "warmup_refusal")
    return Claim(ClaimStatus(str(item["status"])), *(str(item.get(name, "")) for name in names))


def refusal(address: str, status: object) -> AddressTaken | AddressBurnt:
    """Why an address whose claim has that status cannot be claimed."""
    if status == ClaimStatus.BURNT:
        return AddressBurnt(f"{address} belonged to an inbox that was deleted; the provider never frees it.")
    return AddressTaken(f"{address} is an inbox already, or is about to be one.")
