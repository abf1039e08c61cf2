"""Which tenant a zone of the operator's DNS account is bound to: records are written for nobody else.

`ZONE#<zone>` says whose it is, and which of his domains have records in it. With `ZoneBinding=operator` only the
operator binds; with `first` a zone goes to the first tenant that registers a name in it, and is free again once its
last name and that name's records are gone.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kindling.errors import Conflict
from kindling.platform import clock, table
from kindling.platform.settings import settings
from kindling.platform.table import Attr

# The same for a zone that is another tenant's and for one that is not there: nobody learns what others have.
NOT_BOUND = "The domain's zone is not bound to you here: add the records by hand, or ask the operator to bind it."
OPERATOR, FIRST = "operator", "first"
OWNER = "zones"


@dataclass(frozen=True)
class Binding:
    """A zone, whose it is, by whom, since when, and the ids of the domains that have records in it."""

    zone: str
    user_id: str
    bound_by: str
    created_at: str
    domains: frozenset[str]


def join(zone: str, user_id: str, domain_id: str) -> bool:
    """Note that the tenant's domain is about to get records in the zone; False when the zone is not bound to him."""
    joined: dict[str, Any] = {
        "UpdateExpression": "ADD domains :domain",
        "ConditionExpression": "user_id = :user",
        "ExpressionAttributeValues": {":user": user_id, ":domain": {domain_id}},
    }
    if settings().zone_binding == FIRST:
        names = {"user_id": ":user", "bound_by": ":by", "owner": ":owner", "created_at": ":now"}
        sets = ", ".join(f"#{name} = if_not_exists(#{name}, {value})" for name, value in names.items())
        joined |= {
            "UpdateExpression": f"SET {sets} ADD domains :domain",
            "ConditionExpression": "attribute_not_exists(pk) OR user_id = :user",
            "ExpressionAttributeNames": {f"#{name}": name for name in names},
        }
        joined["ExpressionAttributeValues"] |= {":by": FIRST, ":owner": OWNER, ":now": clock.timestamp()}
    try:
        table.update(_at(zone), **joined)
    except table.ConditionFailed:
        return False
    return True


def leave(domain: str, domain_id: str) -> None:
    """Note that the domain has no records any more, in whatever zone it had them; the last one frees a zone.

    A zone that the operator bound stays bound.
    """
    labels = domain.split(".")
    for start in range(len(labels) - 1):
        key = _at(".".join(labels[start:]))
        with suppress(table.ConditionFailed):
            table.update(
                key,
                UpdateExpression="DELETE domains :domain",
                ConditionExpression="contains(domains, :id)",
                ExpressionAttributeValues={":domain": {domain_id}, ":id": domain_id},
            )
        _free(key, Attr("bound_by").eq(FIRST))


def is_bound(zone: str, user_id: str) -> bool:
    """Whether the zone is bound to the tenant."""
    item = table.get(_at(zone))
    return item is not None and item["user_id"] == user_id


def bind(zone: str, user_id: str) -> Binding:
    """Bind a zone to a tenant, as the operator. Raises Conflict while another tenant's domains have records in it."""
    item = {"owner": OWNER, "created_at": clock.timestamp(), "user_id": user_id, "bound_by": OPERATOR}
    free = Attr("domains").not_exists() | Attr("user_id").eq(user_id)
    try:
        written = table.update(_at(zone), ConditionExpression=free, ReturnValues="ALL_NEW", **table.assigned(item))
    except table.ConditionFailed as lost:
        raise Conflict(f"Domains of another tenant have records in {zone}: delete them first.") from lost
    return _binding(written)


def unbind(zone: str) -> None:
    """Take a zone back. Raises Conflict while domains have records in it."""
    if not _free(_at(zone), Attr("pk").exists()) and _read(zone):
        raise Conflict(f"Domains have records in {zone}: delete them first.")


def list_bindings() -> list[Binding]:
    """Every zone that is bound, newest first."""
    return [_binding(item) for item in table.owned(OWNER)]


def _free(key: dict[str, str], condition: Any) -> bool:
    try:
        table.delete(key, ConditionExpression=condition & Attr("domains").not_exists())
    except table.ConditionFailed:
        return False
    return True


def _read(zone: str) -> dict[str, Any] | None:
    return table.get(_at(zone))


def _binding(item: dict[str, Any]) -> Binding:
    zone = str(item["pk"]).removeprefix("ZONE#")
    fields = {name: str(item[name]) for name in ("user_id", "bound_by", "created_at")}
    return Binding(zone=zone, domains=frozenset(item.get("domains", ())), **fields)


def _at(zone: str) -> dict[str, str]:
    return {"pk": f"ZONE#{zone}", "sk": "BINDING"}
