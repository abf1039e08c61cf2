"""DynamoDB calls for domains: the row, the tenant's claim to the name, who verified it, who registered it.

`DOMAIN#<name>` items belong to no tenant: they settle between tenants who has a name verified, and when
nobody needs its registration at the provider any more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kindling.cleanups import store as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains.model import GRAPH, Domain, DomainStatus, OffboardDomain, OnboardDomain
from kindling.errors import DomainExists, DomainTaken, NotFound, StaleStatus
from kindling.operations import ended
from kindling.operations import store as operations
from kindling.platform import clock, due, table
from kindling.platform.table import Attr
from kindling.warming import store as warming


@dataclass(frozen=True)
class Verifier:
    """The tenant that verified a name last; `domain_id` is empty once it has deleted the domain."""

    user_id: str
    domain_id: str


@dataclass(frozen=True)
class Registration:
    """Which domains need a name's registration at the provider, each by tenant and id, and whether it is ours.

    `left_by` is the last one that needed it no more: where there are no holders, its removal is that one's.
    """

    holders: list[tuple[str, str]]
    left_by: tuple[str, str] | None
    origin: str | None

    @property
    def concerned(self) -> list[tuple[str, str]]:
        """The domains without which the registration would not be there."""
        last = [self.left_by] if self.left_by and self.origin == CREATED else []
        return self.holders or last


DUE_KIND = "verification"
# Whether a registration at the mail provider was made by us or stood there before.
CREATED, FOUND = "created", "found"


def get(user_id: str, domain_id: str) -> Domain | None:
    return read(at(user_id, domain_id))


def read(key: dict[str, str]) -> Domain | None:
    item = table.get(key)
    return Domain.model_validate(item) if item else None


def list_of(user_id: str) -> list[Domain]:
    """The tenant's domains, newest first."""
    return [Domain.model_validate(item) for item in table.owned(f"{user_id}#domain")]


def refuse_existing(user_id: str, domain: str) -> None:
    """Raises DomainExists when the tenant has registered the name already."""
    if table.get(_name(user_id, domain)):
        raise _exists(domain)


def claim_name(saga: OnboardDomain) -> None:
    """Claim the name for this domain within its tenant; the same claim again is a no-op.

    Raises DomainExists when the tenant has the name already.
    """
    claim = {**_name(saga.user_id, saga.domain), "domain_id": saga.domain_id}
    free = Attr("pk").not_exists() | Attr("domain_id").eq(saga.domain_id)
    try:
        table.put(claim, ConditionExpression=free)
    except table.ConditionFailed as lost:
        raise _exists(saga.domain) from lost


def release_name(saga: OnboardDomain) -> None:
    try:
        table.delete(
            _name(saga.user_id, saga.domain),
            ConditionExpression=Attr("domain_id").eq(saga.domain_id),
        )
    except table.ConditionFailed:
        return


def hold_registration(domain: str, user_id: str, domain_id: str) -> dict[str, Any]:
    """Note that the tenant's domain needs the provider's registration of its name; the registration as it is then."""
    return table.update(
        _registration(domain),
        UpdateExpression="ADD holders :me",
        ExpressionAttributeValues={":me": {_holder(user_id, domain_id)}},
        ReturnValues="ALL_NEW",
    )


def note_registration(domain: str, origin: str) -> None:
    """Write down, before the provider is asked, whether the registration there is ours or was `found`."""
    table.update(
        _registration(domain),
        UpdateExpression="SET origin = if_not_exists(origin, :origin)",
        ExpressionAttributeValues={":origin": origin},
    )


def drop_registration(domain: str, user_id: str, domain_id: str) -> dict[str, Any]:
    """Note that `domain_id` needs the registration no more, and was the last to say so; what is left of it."""
    holder = _holder(user_id, domain_id)
    return table.update(
        _registration(domain),
        UpdateExpression="SET left_by = :holder DELETE holders :me",
        ExpressionAttributeValues={":me": {holder}, ":holder": holder},
        ReturnValues="ALL_NEW",
    )


def holders(domain: str) -> list[dict[str, str]]:
    """Where the rows stand that need the provider's registration of the name, of whatever tenant."""
    item: dict[str, Any] = table.get(_registration(domain)) or {}
    return [at(*_held(str(holder))) for holder in sorted(item.get("holders", ()))]


def existing(owners: Iterable[tuple[str, str]]) -> set[str]:
    """Those of the domains, each by its tenant and id, that have a row."""
    return {str(item["id"]) for item in table.standing(at(*owner) for owner in owners)}


def claiming(names: Iterable[tuple[str, str]]) -> set[str]:
    """The ids of the domains that claim the names within their tenants; one that is being onboarded does too."""
    return {str(item["domain_id"]) for item in table.standing(_name(*name) for name in names)}


def in_use() -> Iterator[Domain]:
    """Every verified domain, of whatever tenant."""
    for item in table.standing(due.every(DUE_KIND)):
        domain = Domain.model_validate(item)
        if domain.status == DomainStatus.VERIFIED:
            yield domain


def registrations(names: Iterable[str]) -> dict[str, Registration]:
    """The notes of those names that have one."""
    items = table.standing(map(_registration, names))
    return {
        str(item["pk"]).removeprefix("DOMAIN#"): Registration(
            holders=[_held(str(holder)) for holder in sorted(item.get("holders", ()))],
            left_by=_held(str(item["left_by"])) if "left_by" in item else None,
            origin=item.get("origin"),
        )
        for item in items
    }


def absent(user_id: str, domain_id: str) -> dict[str, Any]:
    """The part of a transaction that holds only while the domain has no row."""
    return {"ConditionCheck": {"Key": at(user_id, domain_id), "ConditionExpression": "attribute_not_exists(pk)"}}


def verifier(domain: str) -> Verifier | None:
    """Who verified the name last."""
    item = table.get(_verified(domain))
    return Verifier(str(item["user_id"]), str(item.get("domain_id") or "")) if item else None


def losses(user_id: str, domain: str) -> int:
    """How often the tenant has lost the name to another one."""
    item = table.get(_losses(user_id, domain))
    return int(item["losses"]) if item else 0


def find(user_id: str, name: str) -> Domain | None:
    """The tenant's domain of that name."""
    claim = table.get(_name(user_id, name))
    return get(user_id, str(claim["domain_id"])) if claim else None


def forget_registration(domain: str) -> None:
    """Remove the note of a registration that nobody holds."""
    try:
        table.delete(_registration(domain), ConditionExpression=Attr("holders").not_exists())
    except table.ConditionFailed:
        return


def save(
    domain: Domain,
    operation_id: str,
    due_fields: dict[str, str],
    *,
    begun: list[dict[str, Any]],
    claim: list[dict[str, Any]],
) -> None:
    """Write the row of an onboarded domain with its warming and close its operation, in one transaction.

    A verified one claims its name with it. Repeating is harmless. Raises DomainTaken when the name changed hands
    since it was looked at, StaleStatus when the operation was settled by somebody else.
    """
    owner = {"owner": f"{domain.user_id}#domain"}
    item = {**at(domain.user_id, domain.id), **owner, **_plain(domain), **due_fields}
    actions: list[dict[str, Any]] = [
        {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
        operations.success(domain.user_id, operation_id),
        *begun,
        *claim,
    ]
    try:
        table.transact(actions)
    except table.TransactionFailed as lost:
        if lost.items[0] is not None:
            return
        if any(item is not None for item in lost.items[len(actions) - len(claim) :]):
            raise DomainTaken(f"{domain.domain} changed hands meanwhile.") from lost
        raise StaleStatus("The operation was settled by somebody else meanwhile.") from lost


def retire(retirement: OffboardDomain) -> None:
    """Delete the row and the claims to the name, and note what has to be removed; again is harmless.

    Who verified the name last stays known: whoever verifies it next takes it from him.
    """
    user_id, domain_id, name = retirement.user_id, retirement.domain_id, retirement.domain
    for _ in range(2):
        try:
            table.transact(
                [
                    {"Delete": {"Key": at(user_id, domain_id), "ConditionExpression": "attribute_exists(pk)"}},
                    {"Delete": {"Key": _name(user_id, name)}},
                    warming.retired(user_id, domain_id),
                    cleanups.note(user_id, CleanupKind.DNS_RECORDS, name, domain_id),
                    cleanups.note(user_id, CleanupKind.MAIL_DOMAIN, name, domain_id),
                    _released(verifier(name), name, domain_id),
                    ended.note(name, domain_id, user_id),
                ]
            )
        except table.TransactionFailed as lost:
            if lost.items[0] is not None:
                return
            # The row was verified, and the name claimed, at this very moment: the second look knows.
        else:
            return
    raise StaleStatus("The domain's name changed hands while it was deleted.")


def move(domain: Domain, to: DomainStatus, *, put: dict[str, Any], drop: tuple[str, ...]) -> Domain:
    """Compare-and-swap the status. Raises NotFound, StaleStatus."""
    return Domain.model_validate(GRAPH.move(at(domain.user_id, domain.id), (to,), put=put, drop=drop))


def claimed(domain: Domain, before: Verifier | None, loser: Domain | None) -> list[dict[str, Any]]:
    """The actions that give the name to this domain, as long as it belongs to whom it belonged `before`.

    When that was another tenant, he has lost it once more; `loser` is his row as it has to be then, if he has one.
    """
    item = {**_verified(domain.domain), "user_id": domain.user_id, "domain_id": domain.id}
    condition, values = "attribute_not_exists(pk)", {}
    if before:
        held = "domain_id = :domain" if before.domain_id else "attribute_not_exists(domain_id)"
        condition = f"user_id = :user AND {held}"
        values = {":user": before.user_id} | ({":domain": before.domain_id} if before.domain_id else {})
    put: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
    actions: list[dict[str, Any]] = [{"Put": put | ({"ExpressionAttributeValues": values} if values else {})}]
    if before and before.user_id != domain.user_id:
        lost = {
            "Key": _losses(before.user_id, domain.domain),
            "UpdateExpression": "ADD losses :one",
            "ExpressionAttributeValues": {":one": 1},
        }
        actions.append({"Update": lost})
    return [*actions, _set_back(loser)] if loser else actions


def verify(
    domain: Domain,
    *,
    put: dict[str, Any],
    drop: tuple[str, ...],
    claim: list[dict[str, Any]],
    beginning: list[dict[str, Any]],
) -> Domain:
    """Move to verified, take the name by `claim` and begin its warming, in one transaction.

    Warming that somebody else began at this very moment is left to them.
    Raises NotFound, and StaleStatus when row or name changed meanwhile.
    """
    to = (DomainStatus.VERIFIED,)
    key = at(domain.user_id, domain.id)
    # What was seen in DNS proves this challenge and no other.
    seen = {"ownership": domain.ownership.model_dump(exclude_none=True)}
    try:
        table.transact([{"Update": GRAPH.update(key, to, put=put, drop=drop, seen=seen)}, *claim, *beginning])
    except table.TransactionFailed as lost:
        if lost.items[0] is not None:
            return Domain.model_validate(GRAPH.standing(lost.items[0], to))
        if any(item is not None for item in lost.items[1 : 1 + len(claim)]):
            raise StaleStatus("The domain's name changed hands meanwhile.") from lost
        return verify(domain, put=put, drop=drop, claim=claim, beginning=[])
    return read(key) or domain


def update(domain: Domain, *, put: dict[str, Any], drop: tuple[str, ...]) -> None:
    """Set what is not the status, as long as the status has not changed since the row was read."""
    try:
        table.update(
            at(domain.user_id, domain.id),
            ConditionExpression=Attr("status").eq(domain.status),
            **table.assigned(put, drop),
        )
    except table.ConditionFailed:
        return


def change(domain: Domain, put: dict[str, Any]) -> Domain:
    """Set what its owner changed. Raises NotFound when the domain was deleted meanwhile."""
    item = table.change(at(domain.user_id, domain.id), put)
    if item is None:
        raise NotFound("There is no such domain.")
    return Domain.model_validate(item)


def at(user_id: str, domain_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN#{domain_id}"}


def _name(user_id: str, domain: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN_NAME#{domain}"}


def _verified(domain: str) -> dict[str, str]:
    return {"pk": f"DOMAIN#{domain}", "sk": "VERIFIED"}


def _holder(user_id: str, domain_id: str) -> str:
    return f"{user_id}/{domain_id}"


def _held(holder: str) -> tuple[str, str]:
    user_id, _, domain_id = holder.rpartition("/")
    return user_id, domain_id


def _registration(domain: str) -> dict[str, str]:
    return {"pk": f"DOMAIN#{domain}", "sk": "REGISTRATION"}


def _losses(user_id: str, domain: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN_LOSSES#{domain}"}


def _released(before: Verifier | None, domain: str, domain_id: str) -> dict[str, Any]:
    """The action that frees a name that the domain has verified, or checks that it has not."""
    values = {":mine": domain_id}
    if before and before.domain_id == domain_id:
        update = {"UpdateExpression": "REMOVE domain_id", "ConditionExpression": "domain_id = :mine"}
        return {"Update": {"Key": _verified(domain), "ExpressionAttributeValues": values, **update}}
    condition = "attribute_not_exists(domain_id) OR domain_id <> :mine"
    check = {"Key": _verified(domain), "ConditionExpression": condition, "ExpressionAttributeValues": values}
    return {"ConditionCheck": check}


def _set_back(loser: Domain) -> dict[str, Any]:
    """The action that has a row wait for a challenge of its own, whatever its status was."""
    waiting = loser.model_dump(mode="json", include={"ownership", "dns_records", "status_reason"}, exclude_none=True)
    put = waiting | {"status": DomainStatus.PENDING, "updated_at": clock.timestamp()}
    update = table.assigned(put, ("verified_at", *due.FIELDS))
    update["ExpressionAttributeNames"]["#before"] = "status"
    update["ExpressionAttributeValues"][":before"] = loser.status
    return {"Update": {"Key": at(loser.user_id, loser.id), "ConditionExpression": "#before = :before", **update}}


def _plain(domain: Domain) -> dict[str, Any]:
    return domain.model_dump(mode="json", exclude_none=True)


def _exists(domain: str) -> DomainExists:
    return DomainExists(f"You have registered {domain} already.")
