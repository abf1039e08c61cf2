"""Queueing the judgements of domains; `judgement.judge` carries them out."""

from kindling.platform import due
from kindling.platform.settings import settings
from kindling.warming.model import DUE_KIND, warming_key


def dispatch_due() -> int:
    """Queue the judgement of every domain that is due; the number queued."""
    return due.dispatch(DUE_KIND, settings().judgements_queue_url)


def dispatch_domain(user_id: str, domain_id: str) -> None:
    """Queue the judgement of one domain now, before its day ends. Raises StoreUnavailable."""
    due.send(settings().judgements_queue_url, [warming_key(user_id, domain_id)])
