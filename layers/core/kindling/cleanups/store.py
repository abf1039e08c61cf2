"""DynamoDB calls for cleanups. The key says what has to go, so the same cleanup twice is one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kindling.cleanups.model import FIRST_TRY, Cleanup, CleanupKind
from kindling.platform import clock, due, table
from kindling.platform.table import Attr

DUE_KIND = "cleanup"


def note(user_id: str, kind: CleanupKind, target: str, subject_id: str) -> dict[str, Any]:
    """The part of a transaction that writes a cleanup, to be carried out soon."""
    now = clock.now()
    cleanup = Cleanup(user_id=user_id, kind=kind, target=target, subject_id=subject_id, created_at=clock.timestamp(now))
    key = at(user_id, kind, subject_id)
    item = {**key, "owner": f"{user_id}#cleanup", **cleanup.model_dump(mode="json", exclude_none=True)}
    return {"Put": {"Item": {**item, **due.fields(DUE_KIND, key["sk"], now + FIRST_TRY)}}}


def get(user_id: str, kind: CleanupKind, subject_id: str) -> Cleanup | None:
    return read(at(user_id, kind, subject_id))


def read(key: dict[str, str]) -> Cleanup | None:
    item = table.get(key)
    return Cleanup.model_validate(item) if item else None


def standing(kind: CleanupKind, owners: Iterable[tuple[str, str]]) -> set[str]:
    """Those of the accounts or domains, each by its tenant and id, that have a cleanup of that kind."""
    return {str(item["subject_id"]) for item in table.standing(at(user_id, kind, id_) for user_id, id_ in owners)}


def list_of(user_id: str) -> list[Cleanup]:
    """The tenant's cleanups, newest first."""
    return [Cleanup.model_validate(item) for item in table.owned(f"{user_id}#cleanup")]


def done(cleanup: Cleanup) -> None:
    table.delete(at(cleanup.user_id, cleanup.kind, cleanup.subject_id))


def put_off(cleanup: Cleanup, error: str, until: datetime) -> None:
    """Note a failed attempt and when the next one is; nothing when somebody finished it meanwhile."""
    try:
        table.update(
            at(cleanup.user_id, cleanup.kind, cleanup.subject_id),
            UpdateExpression="SET due_at = :due, last_error = :error ADD attempts :one",
            ConditionExpression=Attr("pk").exists(),
            ExpressionAttributeValues={":due": clock.timestamp(until), ":error": error, ":one": 1},
        )
    except table.ConditionFailed:
        return


def at(user_id: str, kind: CleanupKind, subject_id: str) -> dict[str, str]:
    return {"pk": f"TENANT#{user_id}", "sk": f"CLEANUP#{kind}#{subject_id}"}
