"""DynamoDB calls for messages: one small item each, written once."""

from kindling.messages.model import Message, message_key
from kindling.platform import table
from kindling.platform.table import Attr


def put(message: Message) -> None:
    """Write a message; one that is there already is left unchanged."""
    item = {**message_key(message.user_id, message.message_id), **message.model_dump(exclude_defaults=True)}
    item["expires_at"] = int(message.expires.timestamp())
    try:
        table.put(item, ConditionExpression=Attr("pk").not_exists())
    except table.ConditionFailed:
        return


def get(user_id: str, message_id: str) -> Message | None:
    item = table.get(message_key(user_id, message_id))
    return Message.model_validate(item) if item else None
