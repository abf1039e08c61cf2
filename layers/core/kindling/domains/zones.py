"""Bindings of zones to tenants: records are published only in a zone that is bound to the domain's tenant.

The item `ZONE#<zone>` names the tenant and those of its domains that have records in the zone. With the setting
`ZoneBinding=operator` only the operator binds zones. With `first` a zone is bound to the first tenant that publishes
records in it, until its last domain has no records there any more. The zones of a tenant's own Cloudflare account are
its own and need no binding.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kindling.errors import Conflict
from kindling.platform import clock, table
from kindling.platform.settings import settings
from kindling.platform.table import Attr
from kindling.providers import credentials

# The same message for a zone of another tenant and for an unknown one, so that no tenant learns what others have.
NOT_BOUND = "The domain's zone is not bound to you here: add the records by hand, or ask the operator to bind it."
OPERATOR, FIRST = "operator", "first"
OWNER = "zones"


@dataclass(frozen=True)
class Binding:
    """The binding of a zone to a tenant.

    `bound_by` is `OPERATOR` or `FIRST`; `domains` are the ids of the domains that have records in the zone.
    """

    zone: str
    user_id: str
    bound_by: str
    created_at: str
    domains: frozenset[str]


def join(zone: str, user_id: str, domain_id: str) -> bool:
    """Record, before publishing, that the domain has records in the zone; False when it is not bound to the tenant."""
    if _has_own(user_id):
        return True
    update: dict[str, Any] = {
        "UpdateExpression": "ADD domains :domain",
        "ConditionExpression": "user_id = :user",
        "ExpressionAttributeValues": {":user": user_id, ":domain": {domain_id}},
    }
    if settings().zone_binding == FIRST:
        names = {"user_id": ":user", "bound_by": ":by", "owner": ":owner", "created_at": ":now"}
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, {value})" for name, value in names.items())
        update |= {
            "UpdateExpression": f"SET {sets} ADD domains :domain",
            "ConditionExpression": "attribute_not_exists(pk) OR user_id = :user",
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
        }
        update["ExpressionAttributeValues"] |= {":by": FIRST, ":owner": OWNER, ":now": clock.timestamp()}
    try:
        table.update(_zone_key(zone), **update)
    except table.ConditionFailed:
        return False
    return True


def leave(domain: str, domain_id: str) -> None:
    """Record that the domain has no records any more, in any zone that encloses its name.

    The last domain to leave unbinds the zone, unless the operator bound it.
    """
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        key = _zone_key(".".join(labels[start:]))
        with suppress(table.ConditionFailed):
            table.update(
                key,
                UpdateExpression="DELETE domains :domain",
                ConditionExpression="contains(domains, :id)",
                ExpressionAttributeValues={":domain": {domain_id}, ":id": domain_id},
            )
        _delete_unused(key, Attr("bound_by").eq(FIRST))


def may_join(zone: str, user_id: str) -> bool:
    """Whether `join` would let the tenant in; nothing is written."""
    if _has_own(user_id):
        return True
    item = table.get(_zone_key(zone))
    return settings().zone_binding == FIRST if item is None else item["user_id"] == user_id


def is_bound(zone: str, user_id: str) -> bool:
    """Whether the zone is bound to the tenant, or of its own account."""
    if _has_own(user_id):
        return True
    item = table.get(_zone_key(zone))
    return item is not None and item["user_id"] == user_id


def bind(zone: str, user_id: str) -> Binding:
    """Bind a zone to a tenant, as the operator. Raises Conflict while another tenant's domains have records in it."""
    item = {"owner": OWNER, "created_at": clock.timestamp(), "user_id": user_id, "bound_by": OPERATOR}
    unused = Attr("domains").not_exists() | Attr("user_id").eq(user_id)
    changes = table.assigned(item)
    try:
        written = table.update(_zone_key(zone), ConditionExpression=unused, ReturnValues="ALL_NEW", **changes)
    except table.ConditionFailed as lost:
        raise Conflict(f"Domains of another tenant have records in {zone}: delete them first.") from lost
    return _binding(written)


def unbind(zone: str) -> None:
    """Unbind a zone. Idempotent. Raises Conflict while domains have records in it."""
    if not _delete_unused(_zone_key(zone), Attr("pk").exists()) and table.get(_zone_key(zone)):
        raise Conflict(f"Domains have records in {zone}: delete them first.")


def list_bindings() -> list[Binding]:
    """All bindings, newest first."""
    return [_binding(item) for item in table.owned(OWNER)]


def _has_own(user_id: str) -> bool:
    return credentials.workspace(credentials.CLOUDFLARE, user_id) == user_id


def _delete_unused(key: dict[str, str], condition: Any) -> bool:
    """Delete a binding without domains, if it meets the condition; whether it was deleted."""
    try:
        table.delete(key, ConditionExpression=condition & Attr("domains").not_exists())
    except table.ConditionFailed:
        return False
    return True


def _binding(item: dict[str, Any]) -> Binding:
    zone = str(item["pk"]).removeprefix("ZONE#")
    fields = {name: str(item[name]) for name in ("user_id", "bound_by", "created_at")}
    return Binding(zone=zone, domains=frozenset(item.get("domains", ())), **fields)


def _zone_key(zone: str) -> dict[str, str]:
    return {"pk": f"ZONE#{zone}", "sk": "BINDING"}
