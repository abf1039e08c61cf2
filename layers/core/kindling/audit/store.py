"""DynamoDB calls for the audit log: two write units for each request, one before its effect and one after."""

from collections.abc import Iterator

from kindling.audit.model import KEPT, Answered, Entry, ListEntries, as_item, entry_key, months, partition
from kindling.platform import clock, table
from kindling.platform.paging import CHUNK, MOST_READ, Page, fill, position
from kindling.platform.table import Item, Key

# No sort key is longer; that of a cursor may be anything.
KEY_LENGTH = 200
# What sorts behind every id of an instant.
LAST = "~"


def put(entry: Entry) -> None:
    """Write an entry; its id is in its key, and the gateway gives no two requests the same."""
    table.put(as_item(entry))


def answer(entry: Entry, answered: Answered) -> None:
    """Note what was answered."""
    table.update(entry_key(entry), **table.assigned({"answered": answered.model_dump(exclude_defaults=True)}))


def page_of(user_id: str, query: ListEntries) -> Page[Entry]:
    """The tenant's entries that the query shows, newest first, by consistent reads."""
    now = clock.now()
    first, end = max(query.since or now - KEPT, now - KEPT), min(query.until or now, now)
    if end < first:
        return Page([])
    since, until = clock.timestamp(first), clock.timestamp(end)
    if query.until is None or query.until > now:
        until += LAST
    after = position(query.cursor)["sk"][:KEY_LENGTH] if query.cursor else until
    kept = (item for item in _between(user_id, since, min(after, until), until) if item["expires_at"] > now.timestamp())
    return fill(kept, Entry.model_validate, query.limit, shows=query.shows, most_read=MOST_READ)


def _between(user_id: str, since: str, last: str, until: str) -> Iterator[Item]:
    """The items from `since` to before `last`, which is in a month not after that of `until`."""
    for month in months(since, until):
        if since < last and month <= last:
            where = Key("pk").eq(partition(user_id, month)) & Key("sk").between(since, last)
            request = {"KeyConditionExpression": where, "ScanIndexForward": False, "ConsistentRead": True}
            yield from (item for item in table.each({**request, "Limit": CHUNK}) if item["sk"] != last)
