"""Removing orphaned resources, by scheduling the cleanups that their deletion should have scheduled."""

from collections.abc import Callable

from kindling import providers
from kindling.accounts import parts as accounts
from kindling.cleanups import parts as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import parts as domains
from kindling.inventory import store, warmup
from kindling.inventory.model import Finding, Kind
from kindling.platform import table, tenancy
from kindling.platform.observability import logger
from kindling.platform.table import Part


def remove(finding: Finding) -> bool:
    """Have the resource removed, unless it is in use by now; whether it was. Raises ProviderError."""
    with tenancy.working_for(finding.workspace):
        removed = _REMOVALS[finding.kind](finding)
    logger.info("orphan removed" if removed else "orphan kept", kind=finding.kind, target=finding.target)
    return removed


def _remove_inbox(finding: Finding) -> bool:
    conditions = accounts.inbox_orphaned(finding.target, finding.user_id or "", finding.subject_id)
    return _schedule(finding, CleanupKind.INBOX, conditions)


def _remove_warmup_account(finding: Finding) -> bool:
    conditions = accounts.warmup_orphaned(finding.target, finding.user_id or "", finding.subject_id)
    return _schedule(finding, CleanupKind.WARMUP_ACCOUNT, conditions)


def _remove_dns_records(finding: Finding) -> bool:
    return _schedule(finding, CleanupKind.DNS_RECORDS, [domains.absent(finding.user_id or "", finding.subject_id)])


def _remove_mail_domain(finding: Finding) -> bool:
    return _schedule(finding, CleanupKind.MAIL_DOMAIN, [domains.absent(finding.user_id or "", finding.subject_id)])


def _remove_tag(finding: Finding) -> bool:
    if not warmup.is_unused(finding.subject_id, finding.user_id or ""):
        return False
    # An account that is being tagged now creates the tag again: its step is retried when the tag has vanished.
    providers.warmup().delete_tag(finding.subject_id)
    store.delete(finding)
    return True


def _schedule(finding: Finding, kind: CleanupKind, conditions: Part) -> bool:
    """Replace the finding by a cleanup, in one transaction; False when a condition does not hold."""
    cleanup = cleanups.scheduled(finding.user_id or "", kind, finding.target, finding.subject_id)
    try:
        table.transact([*conditions, cleanup, store.deleted(finding)])
    except table.TransactionFailed:
        return False
    return True


_REMOVALS: dict[Kind, Callable[[Finding], bool]] = {
    Kind.INBOX: _remove_inbox,
    Kind.WARMUP_ACCOUNT: _remove_warmup_account,
    Kind.DNS_RECORDS: _remove_dns_records,
    Kind.MAIL_DOMAIN: _remove_mail_domain,
    Kind.TAG: _remove_tag,
}
