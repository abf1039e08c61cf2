"""DynamoDB calls for a tenant's suppression list."""

from typing import Any

from kindling.platform import clock, table
from kindling.platform.table import Attr
from kindling.suppressions.model import Reason, Source, Suppression


def get(user_id: str, email: str) -> Suppression | None:
    item = table.get(at(user_id, email))
    return Suppression.model_validate(item) if item else None


def list_of(user_id: str) -> list[Suppression]:
    """The tenant's entries, newest first."""
    return [Suppression.model_validate(item) for item in table.owned(f"{user_id}#suppression")]


def put(entry: Suppression) -> None:
    """Add an entry; one that stands there stays as it is."""
    update = added(entry)["Update"]
    table.update(update.pop("Key"), **update)


def added(entry: Suppression) -> dict[str, Any]:
    """The action of a transaction that adds an entry; one that stands there stays as it is."""
    values = {"owner": f"{entry.user_id}#suppression", **entry.model_dump(mode="json")}
    return {
        "Update": {
            "Key": at(entry.user_id, entry.email),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = if_not_exists(#{name}, :{name})" for name in values),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": value for name, value in values.items()},
        }
    }


def delete(user_id: str, email: str) -> bool:
    """Remove an entry; whether there was one."""
    try:
        table.delete(at(user_id, email), ConditionExpression=Attr("pk").exists())
    except table.ConditionFailed:
        return False
    return True


def entry(user_id: str, email: str, reason: Reason, source: Source) -> Suppression:
    """An entry of this moment."""
    return Suppression(user_id=user_id, email=email, reason=reason, source=source, created_at=clock.timestamp())


def at(user_id: str, email: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"SUPPRESSION#{email}"}
