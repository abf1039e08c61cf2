"""DynamoDB calls for cleanups."""

from datetime import datetime

from kindling.cleanups.model import Cleanup, CleanupKind, cleanup_key
from kindling.platform import clock, table
from kindling.platform.paging import Page, Paging, page
from kindling.platform.table import Attr


def get(user_id: str, kind: CleanupKind, subject_id: str) -> Cleanup | None:
    return read(cleanup_key(user_id, kind, subject_id))


def read(key: dict[str, str]) -> Cleanup | None:
    item = table.get(key)
    return Cleanup.model_validate(item) if item else None


def page_of(user_id: str, paging: Paging) -> Page[Cleanup]:
    """The tenant's cleanups, newest first."""
    return page(f"{user_id}#cleanup", Cleanup.model_validate, paging)


def any_of(user_id: str) -> bool:
    """Whether the tenant has a cleanup, consistently read."""
    return table.any_below(f"TENANT#{user_id}", "CLEANUP#")


def delete(cleanup: Cleanup) -> None:
    table.delete(cleanup_key(cleanup.user_id, cleanup.kind, cleanup.subject_id))


def reschedule(cleanup: Cleanup, error: str, until: datetime) -> None:
    """Record a failed attempt and when the next one is due; a no-op when the cleanup was finished meanwhile."""
    try:
        table.update(
            cleanup_key(cleanup.user_id, cleanup.kind, cleanup.subject_id),
            UpdateExpression="SET due_at = :due, last_error = :error ADD attempts :one",
            ConditionExpression=Attr("pk").exists(),
            ExpressionAttributeValues={":due": clock.timestamp(until), ":error": error, ":one": 1},
        )
    except table.ConditionFailed:
        return
