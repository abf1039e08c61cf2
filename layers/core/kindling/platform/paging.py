"""Pages of a list: the `limit` and `cursor` of a request, and the rows that answer it."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from kindling.platform import table
from kindling.platform.table import Item

T = TypeVar("T")
R = TypeVar("R")

LARGEST_LIMIT = 1000
# How much of Lambda's response, which may have 6 MB, the stored rows of one page may fill. The rest is for what the
# answer adds to each row.
PAGE_BYTES = 3_000_000
# The most items that are read for one page of a list with filters, which may then be shorter than its limit.
MOST_READ = 2_000
# How many of them are read at once: most pages need few, above all of a list that is merged of several.
CHUNK = 100
KEY_BYTES = 2048  # the longest partition key of DynamoDB


def position(cursor: str) -> dict[str, str]:
    """The position in the index `by_owner` that a cursor stands for. Raises ValueError."""
    try:
        parts = json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
        created_at, pk, sk = (str(part) for part in parts)
    except (ValueError, TypeError) as error:
        raise ValueError("must be the next_cursor of an earlier answer") from error
    if not all(0 < len(part.encode(errors="replace")) <= KEY_BYTES for part in (created_at, pk, sk)):
        raise ValueError("must be the next_cursor of an earlier answer")
    return {"created_at": created_at, "pk": pk, "sk": sk}


def _checked(cursor: str) -> str:
    position(cursor)
    return cursor


Cursor = Annotated[str, AfterValidator(_checked)]


class Paging(BaseModel):
    """The query of a list. Without a limit, a page has all rows that fit into one answer."""

    model_config = ConfigDict(extra="forbid")

    limit: int | None = Field(default=None, ge=1, le=LARGEST_LIMIT)
    cursor: Cursor | None = None


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list, newest first, and the cursor of the next ones, None when there are no more."""

    rows: list[T]
    next_cursor: str | None = None

    def map(self, change: Callable[[T], R]) -> "Page[R]":
        """The page with each row changed."""
        return Page([change(row) for row in self.rows], self.next_cursor)


def page(
    owner: str,
    read: Callable[[Item], T],
    paging: Paging,
    *,
    skip: int = 0,
    shows: Callable[[T], bool] | None = None,
    page_bytes: int = PAGE_BYTES,
) -> Page[T]:
    """The rows of `owner` (`<user_id>#<kind>`) after the cursor, without the first `skip`; only those that it `shows`.

    There are up to `limit` rows, and as many as fit into `page_bytes`. The index is eventually consistent.
    """
    # Filtered rows are read to the end of each page of DynamoDB, for as long as it takes.
    most = skip + paging.limit + 1 if paging.limit and not shows else None
    return fill(_items(owner, paging.cursor, most), read, paging.limit, skip, shows, page_bytes)


def page_in(items: Iterable[Item], read: Callable[[Item], T], paging: Paging) -> Page[T]:
    """The rows of a list that was read whole, in the order of its sort keys, after the cursor."""
    after = position(paging.cursor)["sk"] if paging.cursor else ""
    return fill((item for item in items if item["sk"] > after), read, paging.limit)


def fill(
    items: Iterable[Item],
    read: Callable[[Item], T],
    limit: int | None,
    skip: int = 0,
    shows: Callable[[T], bool] | None = None,
    page_bytes: int = PAGE_BYTES,
    most_read: int | None = None,
) -> Page[T]:
    """The rows of a list that begins at the cursor. No more than `most_read` items are read, whatever is shown."""
    rows: list[T] = []
    last: Item = {}
    size = 0
    for number, item in enumerate(items):
        if number == most_read:
            return Page(rows, _cursor(last))
        row = read(item)
        shown = shows is None or shows(row)
        if shown and not skip:
            size += _sent_bytes(item)
            if rows and (len(rows) == limit or size > page_bytes):
                return Page(rows, _cursor(last))
            rows.append(row)
        elif shown:
            skip -= 1
        last = item
    return Page(rows)


def _items(owner: str, cursor: str | None, most: int | None) -> Iterator[Item]:
    request: dict[str, Any] = {}
    if most:
        request["Limit"] = min(most, LARGEST_LIMIT)
    if cursor:
        request["ExclusiveStartKey"] = {"owner": owner, **position(cursor)}
    return table.owned(owner, **request)


def _cursor(item: Item) -> str:
    position = json.dumps([item["created_at"], item["pk"], item["sk"]])
    return base64.urlsafe_b64encode(position.encode()).decode()


def _sent_bytes(item: Item) -> int:
    """The size of a row in Lambda's response, which holds the answer's JSON as a JSON string: escaped twice."""
    return len(json.dumps(json.dumps(item, default=str)))
