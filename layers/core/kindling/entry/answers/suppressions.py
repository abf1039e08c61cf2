"""Answers about suppressions."""

from http import HTTPStatus
from typing import ClassVar, Literal, Self

from kindling.entry.answers import Answer, Shown
from kindling.suppressions.model import Reason, Source, Suppression


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


class SuppressionsAnswer(Answer):
    """A page of the tenant's entries, newest first."""

    suppressions: list[ShownSuppression]
    total: int
    limit: int
    offset: int


class SuppressionChecked(Answer):
    """Whether an address is suppressed."""

    suppressed: bool
    entry: ShownSuppression | None
