"""Removing what is provably left over: by the cleanups that a deletion would have written."""

from collections.abc import Callable

from kindling import providers
from kindling.accounts import parts as accounts
from kindling.cleanups import parts as cleanups
from kindling.cleanups.model import CleanupKind
from kindling.domains import parts as domains
from kindling.inventory import store, warmup
from kindling.inventory.model import Finding, Kind
from kindling.platform import table
from kindling.platform.observability import logger
from kindling.platform.table import Part


def remove(finding: Finding) -> bool:
    """Have what was found removed, unless somebody began to need it; whether it was. Raises ProviderError."""
    done = _REMOVALS[finding.kind](finding)
    logger.info("orphan removed" if done else "orphan kept", kind=finding.kind, target=finding.target)
    return done


def _remove_inbox(finding: Finding) -> bool:
    held = accounts.inbox_orphaned(finding.target, finding.user_id or "", finding.subject_id)
    return _order(finding, CleanupKind.INBOX, held)


def _remove_warmup_account(finding: Finding) -> bool:
    held = accounts.warmup_orphaned(finding.target, finding.user_id or "", finding.subject_id)
    return _order(finding, CleanupKind.WARMUP_ACCOUNT, held)


def _remove_dns_records(finding: Finding) -> bool:
    return _order(finding, CleanupKind.DNS_RECORDS, [domains.absent(finding.user_id or "", finding.subject_id)])


def _remove_mail_domain(finding: Finding) -> bool:
    return _order(finding, CleanupKind.MAIL_DOMAIN, [domains.absent(finding.user_id or "", finding.subject_id)])


def _remove_tag(finding: Finding) -> bool:
    if not warmup.is_unused(finding.subject_id, finding.user_id or ""):
        return False
    # Somebody may be about to use it: their assignment then finds it gone and makes it anew.
    providers.warmup().delete_tag(finding.subject_id)
    store.forget(finding)
    return True


def _order(finding: Finding, kind: CleanupKind, conditions: Part) -> bool:
    """Write the cleanup in place of the finding, in one transaction; False when a condition does not hold."""
    note = cleanups.scheduled(finding.user_id or "", kind, finding.target, finding.subject_id)
    try:
        table.transact([*conditions, note, store.forgetting(finding)])
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
