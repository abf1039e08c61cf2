"""Answers about what is left at the providers: cleanups, and findings of the inventory."""

from typing import Self

from kindling.cleanups.model import Cleanup, CleanupKind
from kindling.entry.answers import Answer, Shown
from kindling.inventory.model import Kind, Problem


class ShownCleanup(Shown):
    kind: CleanupKind
    target: str
    subject_id: str
    attempts: int
    last_error: str | None
    created_at: str
    next_attempt_at: str | None
    stuck: bool


class CleanupsAnswer(Answer):
    """The tenant's cleanups that are not done, newest first."""

    cleanups: list[ShownCleanup]

    @classmethod
    def of(cls, cleanups: list[Cleanup]) -> Self:
        return cls.model_validate({"cleanups": [cleanup.wire() for cleanup in cleanups]})


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


class InventoryAnswer(Answer):
    """The tenant's findings, newest first; `checked_at` is when the last complete round began."""

    findings: list[ShownFinding]
    checked_at: str | None
