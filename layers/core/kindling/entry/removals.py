"""The function that carries out each kind of cleanup, in the topic that created the resource."""

from kindling.accounts import removal as accounts
from kindling.cleanups.model import CleanupKind
from kindling.cleanups.service import Removals
from kindling.domains import removal as domains

REMOVALS: Removals = {
    CleanupKind.WARMUP_ACCOUNT: accounts.remove_warmup_account,
    CleanupKind.INBOX: accounts.remove_inbox,
    CleanupKind.DNS_RECORDS: domains.remove_dns_records,
    CleanupKind.MAIL_DOMAIN: domains.remove_mail_domain,
}
