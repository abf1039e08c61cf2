"""Answers about suppressions."""

from http import HTTPStatus
from typing import ClassVar, Literal, Self

from kindling.entry.answers import Answer, Listed, Omitted, Shown
from kindling.platform.paging import Page
from kindling.suppressions.model import ListSuppressions, Reason, Source, Suppression


class ShownSuppression(Shown):
    """A suppressed address; it holds for all domains of the tenant."""

    id: str
    email: str
    reason: Reason
    source: Source
    created_at: str
    scope_type: Literal["org"]
    scope_id: None


class SuppressionCreated(Answer, ShownSuppression):
    """A new entry, bare; an existing one for the address is answered unchanged."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED

    @classmethod
    def of(cls, entry: Suppression) -> Self:
        return cls.model_validate(entry.wire())


class SuppressionsAnswer(Listed):
    """A page of the tenant's entries, newest first; `total` is left out when a `cursor` was sent."""

    suppressions: list[ShownSuppression]
    total: Omitted[int] = None
    limit: int
    offset: int

    @classmethod
    def of(cls, page: Page[Suppression], total: int | None, query: ListSuppressions) -> Self:
        shown = [entry.wire() for entry in page.rows]
        asked = {"total": total, "limit": query.limit, "offset": query.offset}
        return cls.model_validate({"suppressions": shown, **asked, "next_cursor": page.next_cursor})


class SuppressionChecked(Answer):
    """Whether an address is suppressed."""

    suppressed: bool
    entry: ShownSuppression | None
