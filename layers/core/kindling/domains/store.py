"""DynamoDB calls for domains: the row, the tenant's claim to the name, who verified it, who registered it.

`DOMAIN#<name>` items belong to no tenant: they settle between tenants who verified a name first, and when
nobody needs its registration at the provider any more.
"""

from typing import Any

from kindling import aws
from kindling.aws import Attr
from kindling.cleanups import store as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains.model import GRAPH, Domain, DomainStatus, OffboardDomain, OnboardDomain
from kindling.errors import DomainExists, DomainTaken, NotFound, StaleStatus
from kindling.operations import store as operations
from kindling.warming import store as warming

DUE_KIND = "verification"
# Whether a registration at the mail provider was made by us or stood there before.
CREATED, FOUND = "created", "found"


def get(user_id: str, domain_id: str) -> Domain | None:
    return read(at(user_id, domain_id))


def read(key: dict[str, str]) -> Domain | None:
    item = aws.table().get_item(Key=key, ConsistentRead=True).get("Item")
    return Domain.model_validate(item) if item else None


def list_of(user_id: str) -> list[Domain]:
    """The tenant's domains, newest first."""
    return [Domain.model_validate(item) for item in aws.owned(f"{user_id}#domain")]


def refuse_taken(user_id: str, domain: str) -> None:
    """Raises DomainExists or DomainTaken when the tenant cannot register the name now."""
    if aws.table().get_item(Key=_name(user_id, domain), ConsistentRead=True).get("Item"):
        raise _exists(domain)
    verified = aws.table().get_item(Key=_verified(domain), ConsistentRead=True).get("Item")
    if verified and verified["user_id"] != user_id:
        raise _taken(domain)


def claim_name(saga: OnboardDomain) -> None:
    """Claim the name for this domain within its tenant; the same claim again is a no-op.

    Raises DomainExists when the tenant has the name already, DomainTaken when another tenant verified it.
    """
    claim = {**_name(saga.user_id, saga.domain), "domain_id": saga.domain_id}
    try:
        aws.transact(
            [
                {
                    "Put": {
                        "Item": claim,
                        "ConditionExpression": "attribute_not_exists(pk) OR domain_id = :mine",
                        "ExpressionAttributeValues": {":mine": saga.domain_id},
                    }
                },
                {"ConditionCheck": {"Key": _verified(saga.domain), **_ours_to_verify(saga.user_id)}},
            ]
        )
    except aws.TransactionFailed as lost:
        raise _exists(saga.domain) if lost.items[0] is not None else _taken(saga.domain) from lost


def release_name(saga: OnboardDomain) -> None:
    try:
        with aws.conditional():
            aws.table().delete_item(
                Key=_name(saga.user_id, saga.domain),
                ConditionExpression=Attr("domain_id").eq(saga.domain_id),
            )
    except aws.ConditionFailed:
        return


def hold_registration(domain: str, user_id: str, domain_id: str) -> dict[str, Any]:
    """Note that the tenant's domain needs the provider's registration of its name; the registration as it is then."""
    return aws.table().update_item(
        Key=_registration(domain),
        UpdateExpression="ADD holders :me",
        ExpressionAttributeValues={":me": {_holder(user_id, domain_id)}},
        ReturnValues="ALL_NEW",
    )["Attributes"]


def note_registration(domain: str, origin: str) -> None:
    """Write down, before the provider is asked, whether the registration there is ours or was `found`."""
    aws.table().update_item(
        Key=_registration(domain),
        UpdateExpression="SET origin = if_not_exists(origin, :origin)",
        ExpressionAttributeValues={":origin": origin},
    )


def drop_registration(domain: str, user_id: str, domain_id: str) -> dict[str, Any]:
    """Note that `domain_id` needs the registration no more; what is left of it."""
    return aws.table().update_item(
        Key=_registration(domain),
        UpdateExpression="DELETE holders :me",
        ExpressionAttributeValues={":me": {_holder(user_id, domain_id)}},
        ReturnValues="ALL_NEW",
    )["Attributes"]


def holders(domain: str) -> list[dict[str, str]]:
    """Where the rows stand that need the provider's registration of the name, of whatever tenant."""
    item: dict[str, Any] = aws.table().get_item(Key=_registration(domain), ConsistentRead=True).get("Item", {})
    parts = [str(holder).rpartition("/") for holder in sorted(item.get("holders", ()))]
    return [at(user_id, domain_id) for user_id, _, domain_id in parts]


def verifier(domain: str) -> tuple[str, str] | None:
    """The tenant that verified the name, and its domain's id."""
    item = aws.table().get_item(Key=_verified(domain), ConsistentRead=True).get("Item")
    return (str(item["user_id"]), str(item["domain_id"])) if item else None


def find(user_id: str, name: str) -> Domain | None:
    """The tenant's domain of that name."""
    claim = aws.table().get_item(Key=_name(user_id, name), ConsistentRead=True).get("Item")
    return get(user_id, str(claim["domain_id"])) if claim else None


def forget_registration(domain: str) -> None:
    """Remove the note of a registration that nobody holds."""
    try:
        with aws.conditional():
            aws.table().delete_item(Key=_registration(domain), ConditionExpression=Attr("holders").not_exists())
    except aws.ConditionFailed:
        return


def save(domain: Domain, operation_id: str, due_fields: dict[str, str], begun: list[dict[str, Any]]) -> None:
    """Write the row of an onboarded domain with its warming and close its operation, in one transaction.

    Repeating is harmless. Raises DomainTaken when it is verified and another tenant was first.
    """
    owner = {"owner": f"{domain.user_id}#domain"}
    item = {**at(domain.user_id, domain.id), **owner, **_plain(domain), **due_fields}
    actions: list[dict[str, Any]] = [
        {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}},
        operations.success(domain.user_id, operation_id),
        *begun,
    ]
    if domain.status == DomainStatus.VERIFIED:
        actions.append(_claim_verified(domain))
    try:
        aws.transact(actions)
    except aws.TransactionFailed as lost:
        if lost.items[0] is not None:
            return
        if lost.items[-1] is not None and domain.status == DomainStatus.VERIFIED:
            raise _taken(domain.domain) from lost
        raise StaleStatus("The operation was settled by somebody else meanwhile.") from lost


def retire(retirement: OffboardDomain) -> None:
    """Delete the row and the claims to the name, and note what has to be removed; again is harmless."""
    user_id, domain_id, name = retirement.user_id, retirement.domain_id, retirement.domain
    actions: list[dict[str, Any]] = [
        {"Delete": {"Key": at(user_id, domain_id), "ConditionExpression": "attribute_exists(pk)"}},
        {"Delete": {"Key": _name(user_id, name)}},
        warming.retired(user_id, domain_id),
        cleanups.note(user_id, CleanupKind.DNS_RECORDS, name, domain_id),
        cleanups.note(user_id, CleanupKind.MAIL_DOMAIN, name, domain_id),
    ]
    ours = {
        "Key": _verified(name),
        "ConditionExpression": "attribute_not_exists(pk) OR domain_id = :mine",
        "ExpressionAttributeValues": {":mine": domain_id},
    }
    try:
        # The row may be verified, and the name claimed, at this very moment: the condition settles whose it is.
        aws.transact([*actions, {"Delete": ours}])
    except aws.TransactionFailed as lost:
        if lost.items[0] is not None:
            return
        # Another tenant's claim, which a row without one cannot win any more.
        _retire_loser(actions)


def _retire_loser(actions: list[dict[str, Any]]) -> None:
    """Delete a row whose name another tenant has verified."""
    try:
        aws.transact(actions)
    except aws.TransactionFailed:
        return


def move(domain: Domain, to: DomainStatus, *, put: dict[str, Any], drop: tuple[str, ...]) -> Domain:
    """Compare-and-swap the status. Raises NotFound, StaleStatus."""
    return Domain.model_validate(GRAPH.move(at(domain.user_id, domain.id), (to,), put=put, drop=drop))


def verify(domain: Domain, *, put: dict[str, Any], drop: tuple[str, ...], beginning: list[dict[str, Any]]) -> Domain:
    """Move to verified, claim the name against all other tenants and begin its warming, in one transaction.

    Warming that somebody else began at this very moment is left to them.
    Raises DomainTaken when another tenant was first, NotFound, StaleStatus.
    """
    to = (DomainStatus.VERIFIED,)
    key = at(domain.user_id, domain.id)
    try:
        aws.transact([{"Update": GRAPH.update(key, to, put=put, drop=drop)}, _claim_verified(domain), *beginning])
    except aws.TransactionFailed as lost:
        if lost.items[1] is not None:
            raise _taken(domain.domain) from lost
        if lost.items[0] is None:
            return verify(domain, put=put, drop=drop, beginning=[])
        return Domain.model_validate(GRAPH.standing(lost.items[0], to))
    return read(key) or domain


def update(domain: Domain, *, put: dict[str, Any], drop: tuple[str, ...] = ()) -> None:
    """Set what is not the status, as long as the status has not changed since the row was read."""
    try:
        with aws.conditional():
            aws.table().update_item(
                Key=at(domain.user_id, domain.id),
                ConditionExpression=Attr("status").eq(domain.status),
                **aws.assigned(put, drop),
            )
    except aws.ConditionFailed:
        return


def change(domain: Domain, put: dict[str, Any]) -> Domain:
    """Set what its owner changed. Raises NotFound when the domain was deleted meanwhile."""
    item = aws.change(at(domain.user_id, domain.id), put)
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


def _registration(domain: str) -> dict[str, str]:
    return {"pk": f"DOMAIN#{domain}", "sk": "REGISTRATION"}


def _ours_to_verify(user_id: str) -> dict[str, Any]:
    return {
        "ConditionExpression": "attribute_not_exists(pk) OR user_id = :user",
        "ExpressionAttributeValues": {":user": user_id},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _claim_verified(domain: Domain) -> dict[str, Any]:
    item = {**_verified(domain.domain), "user_id": domain.user_id, "domain_id": domain.id}
    return {"Put": {"Item": item, **_ours_to_verify(domain.user_id)}}


def _plain(domain: Domain) -> dict[str, Any]:
    return domain.model_dump(mode="json", exclude_none=True)


def _exists(domain: str) -> DomainExists:
    return DomainExists(f"You have registered {domain} already.")


def _taken(domain: str) -> DomainTaken:
    return DomainTaken(f"Another user has verified {domain}.")
