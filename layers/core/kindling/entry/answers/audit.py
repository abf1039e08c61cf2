"""Answers about the audit log."""

from typing import Any, Self

from kindling.audit.model import Entry, Outcome
from kindling.entry.answers import Listed, Omitted, Shown
from kindling.platform.paging import Page


class ShownEntry(Shown):
    """A request that may have changed something; its `id` is the `X-Request-ID` of its answer.

    `path_ids` are the parameters of its path. `status` is null for an outcome that is unknown, `error` is the code of
    an error. `subject_id` is what it was about, `operation_id` where it goes on. A `replayed` answer was given before.
    """

    id: str
    created_at: str
    key_id: str
    key_name: str
    live: bool
    method: str
    route: str
    path_ids: dict[str, str]
    outcome: Outcome
    status: int | None
    error: Omitted[str] = None
    subject_id: str | None
    operation_id: Omitted[str] = None
    replayed: bool


class AuditAnswer(Listed):
    """A page of the tenant's requests, newest first. With a filter, a page may be short and more may follow."""

    entries: list[ShownEntry]

    @classmethod
    def of(cls, page: Page[Entry]) -> Self:
        return cls.model_validate({"entries": list(map(_fields, page.rows)), "next_cursor": page.next_cursor})


def _fields(entry: Entry) -> dict[str, Any]:
    answered = entry.answered
    return {
        **entry.model_dump(include={"id", "created_at", "key_id", "key_name", "live", "method", "route"}),
        "path_ids": entry.ids,
        "outcome": entry.outcome,
        "status": answered and answered.status,
        "error": answered and answered.error,
        "subject_id": entry.subject_id,
        "operation_id": answered and answered.operation_id,
        "replayed": bool(answered and answered.replayed),
    }
