"""The row of a cleanup: a provider's resource that no other row names any more and that has to be removed."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

DUE_KIND = "cleanup"
# The saga that schedules a cleanup also carries it out; after this the poller takes over.
FIRST_TRY = timedelta(minutes=2)
BACK_OFF = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(hours=6)
# The attempts, about a day's, after which a cleanup is reported as stuck.
STUCK_ATTEMPTS = 10


class CleanupKind(StrEnum):
    """The kind of resource, in the order of removal."""

    WARMUP_ACCOUNT = "warmup_account"
    INBOX = "inbox"
    DNS_RECORDS = "dns_records"
    MAIL_DOMAIN = "mail_domain"


class Cleanup(BaseModel):
    """A cleanup's row. `target` is an address or domain name, `subject_id` the account or domain that had it."""

    user_id: str
    kind: CleanupKind
    target: str
    subject_id: str
    attempts: int = 0
    last_error: str | None = None
    created_at: str
    due_at: str | None = None

    def wire(self) -> dict[str, Any]:
        """The cleanup as the API returns it."""
        row = self.model_dump(mode="json", exclude={"user_id", "due_at"})
        return row | {"next_attempt_at": self.due_at, "stuck": self.attempts >= STUCK_ATTEMPTS}


def cleanup_key(user_id: str, kind: CleanupKind, subject_id: str) -> dict[str, str]:
    """The key of a cleanup's row. It identifies the resource, so that scheduling a cleanup twice is idempotent."""
    return {"pk": f"TENANT#{user_id}", "sk": f"CLEANUP#{kind}#{subject_id}"}


def back_off(attempts: int) -> timedelta:
    """The pause after a number of failed attempts."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(BACK_OFF * int(2**doublings), LONGEST_BACK_OFF)
