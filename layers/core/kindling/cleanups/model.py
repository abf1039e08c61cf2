"""What a cleanup is: a provider's resource that no row names any more and that must still be removed."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

DUE_KIND = "cleanup"
# The saga that writes a cleanup carries it out at once; the poller takes over after this.
FIRST_TRY = timedelta(minutes=2)
BACK_OFF = timedelta(minutes=5)
LONGEST_BACK_OFF = timedelta(hours=6)
# From here on an operator should look: about a day of trying.
STUCK_ATTEMPTS = 10


class CleanupKind(StrEnum):
    """What has to go, in the order in which it does."""

    WARMUP_ACCOUNT = "warmup_account"
    INBOX = "inbox"
    DNS_RECORDS = "dns_records"
    MAIL_DOMAIN = "mail_domain"


class Cleanup(BaseModel):
    """A cleanup's row. `target` is an address or a domain name, `subject_id` the account or domain it was of."""

    user_id: str
    kind: CleanupKind
    target: str
    subject_id: str
    attempts: int = 0
    last_error: str | None = None
    created_at: str
    due_at: str | None = None

    def wire(self) -> dict[str, Any]:
        """The cleanup as the API shows it: what is left, how often it was tried, why it failed, when it is next."""
        shown = self.model_dump(mode="json", exclude={"user_id", "due_at"})
        return shown | {"next_attempt_at": self.due_at, "stuck": self.attempts >= STUCK_ATTEMPTS}


def cleanup_key(user_id: str, kind: CleanupKind, subject_id: str) -> dict[str, str]:
    """The key of a cleanup's row. It says what has to be removed, so the same cleanup twice is one row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"CLEANUP#{kind}#{subject_id}"}


def back_off(attempts: int) -> timedelta:
    """The pause after a number of failed attempts."""
    doublings = min(max(attempts - 1, 0), 10)
    return min(BACK_OFF * int(2**doublings), LONGEST_BACK_OFF)
