"""Answers about what is left at the providers: cleanups, and findings of the inventory."""

from typing import Self

from kindling.cleanups.model import Cleanup, CleanupKind
from kindling.entry.answers import Listed, Shown
from kindling.inventory.model import Finding, Kind, Problem
from kindling.platform.paging import Page


class ShownCleanup(Shown):
    kind: CleanupKind
    target: str
    subject_id: str
    attempts: int
    last_error: str | None
    created_at: str
    next_attempt_at: str | None
    stuck: bool


class CleanupsAnswer(Listed):
    """The tenant's cleanups that are not done, newest first."""

    cleanups: list[ShownCleanup]

    @classmethod
    def of(cls, page: Page[Cleanup]) -> Self:
        rows = [cleanup.wire() for cleanup in page.rows]
        return cls.model_validate({"cleanups": rows, "next_cursor": page.next_cursor})


class ShownFinding(Shown):
    kind: Kind
    problem: Problem
    target: str
    subject_id: str
    message: str
    safe: bool
    first_seen_at: str
    last_seen_at: str
    acts_at: str | None


class InventoryAnswer(Listed):
    """The tenant's findings, newest first; `checked_at` is when the last complete round began."""

    findings: list[ShownFinding]
    checked_at: str | None

    @classmethod
    def of(cls, page: Page[Finding], checked_at: str | None) -> Self:
        rows = [finding.wire() for finding in page.rows]
        return cls.model_validate({"findings": rows, "checked_at": checked_at, "next_cursor": page.next_cursor})
