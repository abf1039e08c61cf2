"""DynamoDB calls for API keys. A key is looked up by its id before its tenant is known."""

from kindling import aws
from kindling.aws import Attr
from kindling.keys.model import Key


def get(key_id: str) -> Key | None:
    item = aws.table().get_item(Key=_at(key_id), ConsistentRead=True).get("Item")
    return Key.model_validate(item) if item else None


def put(key: Key) -> None:
    """Write the row; a key that is there already stays as it is, revoked if it is."""
    item = {**_at(key.key_id), "owner": f"{key.user_id}#key", **key.model_dump(mode="json", exclude_none=True)}
    try:
        with aws.conditional():
            aws.table().put_item(Item=item, ConditionExpression=Attr("pk").not_exists())
    except aws.ConditionFailed:
        return


def list_of(user_id: str) -> list[Key]:
    """The tenant's keys, newest first."""
    return [Key.model_validate(item) for item in aws.owned(f"{user_id}#key")]


def revoke(user_id: str, key_id: str, at: str) -> Key | None:
    """Mark the tenant's key revoked; None when the tenant has no such key."""
    try:
        with aws.conditional():
            item = aws.table().update_item(
                Key=_at(key_id),
                UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :at)",
                ConditionExpression=Attr("user_id").eq(user_id),
                ExpressionAttributeValues={":at": at},
                ReturnValues="ALL_NEW",
            )["Attributes"]
    except aws.ConditionFailed:
        return None
    return Key.model_validate(item)


def _at(key_id: str) -> dict[str, str]:
    return {"pk": f"KEY#{key_id}", "sk": "KEY"}
