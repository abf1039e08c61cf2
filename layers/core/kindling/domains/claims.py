"""Claims to a domain name: one within each tenant, and one among all tenants for the tenant that verified it last."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kindling.domains.model import Domain, OnboardDomain
from kindling.errors import DomainExists
from kindling.platform import table
from kindling.platform.table import Action, Attr, Part


@dataclass(frozen=True)
class Verifier:
    """The tenant that verified a name last. Once it has deleted the domain, its id is in `deleted_id` instead."""

    user_id: str
    domain_id: str
    deleted_id: str = ""

    @property
    def last(self) -> tuple[str, str]:
        """The tenant and the id of the domain that was verified last."""
        return self.user_id, self.domain_id or self.deleted_id


_VERIFIER = tuple(Verifier.__dataclass_fields__)


def refuse_existing(user_id: str, name: str) -> None:
    """Raises DomainExists when the tenant has registered the name already."""
    if table.get(_tenant_key(user_id, name)):
        raise _exists(name)


def claim(saga: OnboardDomain) -> None:
    """Claim the name for this domain within its tenant. Idempotent. Raises DomainExists."""
    item = {**_tenant_key(saga.user_id, saga.domain), "domain_id": saga.domain_id}
    free = Attr("pk").not_exists() | Attr("domain_id").eq(saga.domain_id)
    try:
        table.put(item, ConditionExpression=free)
    except table.ConditionFailed as lost:
        raise _exists(saga.domain) from lost


def release(saga: OnboardDomain) -> None:
    """Release the tenant's claim, if this domain has it."""
    mine = Attr("domain_id").eq(saga.domain_id)
    try:
        table.delete(_tenant_key(saga.user_id, saga.domain), ConditionExpression=mine)
    except table.ConditionFailed:
        return


def domain_id_of(user_id: str, name: str) -> str | None:
    """The id of the tenant's domain of that name."""
    item = table.get(_tenant_key(user_id, name))
    return str(item["domain_id"]) if item else None


def claiming(names: Iterable[tuple[str, str]]) -> set[str]:
    """The ids of the domains that claim the names, each given with its tenant; those being onboarded included."""
    return {str(item["domain_id"]) for item in table.existing(_tenant_key(*name) for name in names)}


def verifier(name: str) -> Verifier | None:
    """The tenant that verified the name last."""
    item = table.get(verified_key(name))
    return Verifier(*(str(item.get(field) or "") for field in _VERIFIER)) if item else None


def belongs_to(item: table.Item, user_id: str) -> bool:
    """Whether the item at a `verified_key` says that the tenant has a domain of the name, and verified it last."""
    return bool(item.get("user_id") == user_id and item.get("domain_id"))


def losses(user_id: str, name: str) -> int:
    """How often another tenant has taken the name over from this one."""
    item = table.get(_losses_key(user_id, name))
    return int(item["losses"]) if item else 0


def taken(domain: Domain, before: Verifier | None) -> Part:
    """Give the name to this domain, if `before` is still the tenant that verified it last.

    If that was another tenant, count one more loss for it.
    """
    item = {**verified_key(domain.domain), "user_id": domain.user_id, "domain_id": domain.id}
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if before:
        seen = {field: getattr(before, field) for field in _VERIFIER}
        same = [f"{field} = :{field}" if value else f"attribute_not_exists({field})" for field, value in seen.items()]
        values = {f":{field}": value for field, value in seen.items() if value}
        condition = {"ConditionExpression": " AND ".join(same), "ExpressionAttributeValues": values}
    actions: Part = [{"Put": {"Item": item, **condition}}]
    if before and before.user_id != domain.user_id:
        loss = {
            "Key": _losses_key(before.user_id, domain.domain),
            "UpdateExpression": "ADD losses :one",
            "ExpressionAttributeValues": {":one": 1},
        }
        actions.append({"Update": loss})
    return actions


def released(user_id: str, name: str, domain_id: str) -> Part:
    """Release both claims of a domain that is deleted. Which tenant verified the name last stays recorded."""
    return [{"Delete": {"Key": _tenant_key(user_id, name)}}, _unverified(verifier(name), name, domain_id)]


def _unverified(before: Verifier | None, name: str, domain_id: str) -> Action:
    values = {":mine": domain_id}
    if before and before.domain_id == domain_id:
        update = {
            "UpdateExpression": "SET deleted_id = :mine REMOVE domain_id",
            "ConditionExpression": "domain_id = :mine",
        }
        return {"Update": {"Key": verified_key(name), "ExpressionAttributeValues": values, **update}}
    condition = "attribute_not_exists(domain_id) OR domain_id <> :mine"
    check = {"Key": verified_key(name), "ConditionExpression": condition, "ExpressionAttributeValues": values}
    return {"ConditionCheck": check}


def _exists(name: str) -> DomainExists:
    return DomainExists(f"You have registered {name} already.")


def _tenant_key(user_id: str, name: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN_NAME#{name}"}


def verified_key(name: str) -> dict[str, str]:
    """The key of the claim to a name among all tenants."""
    return {"pk": f"DOMAIN#{name}", "sk": "VERIFIED"}


def _losses_key(user_id: str, name: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"DOMAIN_LOSSES#{name}"}
