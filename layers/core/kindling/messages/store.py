"""DynamoDB calls for messages: an item each, and a small one for each recipient, by which messages are found.

A message to one recipient costs five write units, four of the transaction and one of the index `by_owner`; every
further recipient two, every report about it three.
"""

from collections.abc import Iterator
from typing import Any

from kindling.messages.model import (
    ListMessages,
    Message,
    Status,
    as_item,
    message_id_of,
    message_key,
    place,
    recipient_partition,
)
from kindling.platform import clock, table
from kindling.platform.paging import CHUNK, MOST_READ, Page, fill, position
from kindling.platform.table import Attr, Item, Key, Part

# What sorts before and behind every instant.
FIRST, LAST = "0", "~"


def put(message: Message) -> None:
    """Write a message and its place for each recipient; one that is there already is left unchanged."""
    _write([{"Put": {"Item": as_item(message), "ConditionExpression": "attribute_not_exists(pk)"}}, *_places(message)])


def complete(message: Message, unclear: str) -> bool:
    """Give a message without a clear outcome the provider's id; False when there is no such message."""
    known = {":unknown": Status.UNKNOWN, ":queued": Status.QUEUED, ":id": message.message_id}
    alias = {**message_key(message.user_id, message.id), "alias": unclear}
    return _write(
        [
            {
                "Update": {
                    "Key": message_key(message.user_id, unclear),
                    "UpdateExpression": "SET message_id = :id, #status = :queued",
                    "ConditionExpression": "#status = :unknown",
                    "ExpressionAttributeNames": {"#status": "status"},
                    "ExpressionAttributeValues": known,
                }
            },
            {
                "Put": {
                    "Item": alias | {"expires_at": int(message.expires.timestamp())},
                    "ConditionExpression": "attribute_not_exists(pk)",
                }
            },
        ]
    )


def refuse(user_id: str, unclear: str) -> None:
    """Note that the provider does not have a message without a clear outcome, if there is one."""
    try:
        table.update(
            message_key(user_id, unclear),
            UpdateExpression="SET #status = :rejected",
            ConditionExpression=Attr("status").eq(Status.UNKNOWN),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":rejected": Status.REJECTED},
        )
    except table.ConditionFailed:
        return


def get(user_id: str, identity: str) -> Message | None:
    """The tenant's message by its id, or by the one that it would have had if its outcome had been clear."""
    item = table.get(message_key(user_id, identity))
    if item and "alias" in item:
        item = table.get(message_key(user_id, item["alias"]))
    # What was deleted while a report about it was written has nothing but that report.
    return Message.model_validate(item) if item and "sent_at" in item else None


def by_provider_id(user_id: str, provider_id: str) -> Message | None:
    return get(user_id, message_id_of(user_id, provider_id))


def page_of(user_id: str, query: ListMessages) -> Page[Message]:
    """The tenant's messages that the query shows, newest first; those to an address by a consistent read."""
    after = position(query.cursor) if query.cursor else None
    since = clock.timestamp(query.since) if query.since else FIRST
    until = clock.timestamp(query.until) if query.until else LAST
    if after and after["created_at"] > until:
        after = None
    last = after["created_at"] if after else until
    if since > last:
        return Page([])
    items = _to(user_id, query.to, since, last, after) if query.to else _all(user_id, since, last, after)
    now = clock.now().timestamp()
    # What was deleted while a report about it was written has nothing but that report.
    kept = (item for item in items if "sent_at" in item and item["created_at"] < until and item["expires_at"] > now)
    return fill(kept, Message.model_validate, query.limit, shows=query.shows, most_read=MOST_READ)


def replace(before: Message, after: Message, address: str) -> bool:
    """Write a message from which an address was erased, and remove its place; False when it has changed meanwhile."""
    names = ("to", "cc", "bcc", "subject", "tags", "events", "erased")
    row = after.model_dump(mode="json")
    values = {f":{name}": row[name] for name in names}
    unchanged = "size(#events) = :seen" if before.events else "attribute_not_exists(#events)"
    update: Any = {
        "Key": message_key(before.user_id, before.id),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in names),
        "ConditionExpression": f"attribute_exists(sent_at) AND {unchanged}",
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": values | ({":seen": len(before.events)} if before.events else {}),
    }
    return _write([{"Update": update}, {"Delete": {"Key": _place(before, address)}}])


def places_of(user_id: str, address: str) -> Iterator[str]:
    """The ids of the tenant's messages to an address, newest first."""
    where = Key("pk").eq(recipient_partition(user_id, address))
    request = {"KeyConditionExpression": where, "ScanIndexForward": False, "ConsistentRead": True}
    for item in table.each(request):
        yield str(item["sk"]).rpartition("#")[2]


def _all(user_id: str, since: str, last: str, after: Item | None) -> Iterator[Item]:
    owner = f"{user_id}#email"
    where = Key("owner").eq(owner) & Key("created_at").between(since, last)
    start = {"ExclusiveStartKey": {"owner": owner, **after}} if after else {}
    return table.owned(owner, KeyConditionExpression=where, Limit=CHUNK, **start)


def _to(user_id: str, address: str, since: str, last: str, after: Item | None) -> Iterator[Item]:
    end = place(last, after["pk"].rpartition("#")[2]) if after else last
    where = Key("pk").eq(recipient_partition(user_id, address)) & Key("sk").between(since, end)
    request: Item = {"KeyConditionExpression": where, "ScanIndexForward": False, "ConsistentRead": True, "Limit": CHUNK}
    while True:
        found = table.query(**request)
        ids = [str(item["sk"]).rpartition("#")[2] for item in found["Items"] if item["sk"] != end]
        yield from filter(None, table.batch_get([message_key(user_id, identity) for identity in ids]))
        if "LastEvaluatedKey" not in found:
            return
        request["ExclusiveStartKey"] = found["LastEvaluatedKey"]


def _places(message: Message) -> Part:
    end = int(message.expires.timestamp())
    return [{"Put": {"Item": {**_place(message, one), "expires_at": end}}} for one in message.recipients]


def _place(message: Message, address: str) -> dict[str, str]:
    return {"pk": recipient_partition(message.user_id, address), "sk": place(message.created_at, message.id)}


def _write(actions: Part) -> bool:
    try:
        table.transact(actions)
    except table.TransactionFailed:
        return False
    return True
