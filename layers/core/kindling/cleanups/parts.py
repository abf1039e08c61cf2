"""What other topics write into their transactions for cleanups."""

from kindling.cleanups.model import DUE_KIND, FIRST_TRY, Cleanup, CleanupKind, cleanup_key
from kindling.platform import clock, due
from kindling.platform.table import Action


def scheduled(user_id: str, kind: CleanupKind, target: str, subject_id: str) -> Action:
    """Write a cleanup, due in `FIRST_TRY`, for the resource `target` of the account or domain `subject_id`."""
    now = clock.now()
    cleanup = Cleanup(user_id=user_id, kind=kind, target=target, subject_id=subject_id, created_at=clock.timestamp(now))
    key = cleanup_key(user_id, kind, subject_id)
    item = {**key, "owner": f"{user_id}#cleanup", **cleanup.model_dump(mode="json", exclude_none=True)}
    return {"Put": {"Item": {**item, **due.fields(DUE_KIND, key["sk"], now + FIRST_TRY)}}}
