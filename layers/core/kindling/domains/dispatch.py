"""Queueing the checks of domains; `verification.check` carries them out."""

from kindling.domains import registrations
from kindling.domains.model import DUE_KIND
from kindling.platform import due
from kindling.platform.settings import settings


def dispatch_due() -> int:
    """Queue the check of every domain that is due; the number queued."""
    return due.dispatch(DUE_KIND, settings().verifications_queue_url)


def dispatch_name(name: str, organisation: str) -> int:
    """Queue the check of every domain of that name in an AgentMail organisation; their number.

    Raises StoreUnavailable.
    """
    keys = registrations.holder_keys(name, organisation)
    due.send(settings().verifications_queue_url, keys)
    return len(keys)
