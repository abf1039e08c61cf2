"""The paths below /console: the page of each, and the forms that are posted to it."""

from kindling.console.actions import Form
from kindling.console.pages import (
    accounts,
    audit,
    cleanups,
    domain,
    domains,
    keys,
    messages,
    operations,
    suppressions,
    webhooks,
)
from kindling.console.visit import Page

PAGES: dict[str, Page] = {
    "domains": domains.show,
    "domains/{domain_id}": domain.show,
    "accounts": accounts.show_all,
    "accounts/{account_id}": accounts.show,
    "messages": messages.show_all,
    "messages/{email_id}": messages.show,
    "operations": operations.show_all,
    "operations/{operation_id}": operations.show,
    "suppressions": suppressions.show_all,
    "webhooks": webhooks.show_all,
    "webhooks/{webhook_id}": webhooks.show,
    "keys": keys.show_all,
    "audit": audit.show_all,
    "cleanups": cleanups.show_all,
}
FORMS: dict[str, Form] = {
    "domains": domains.CREATE,
    "domains/{domain_id}/verify": domain.VERIFY,
    "domains/{domain_id}/publish": domain.PUBLISH,
    "domains/{domain_id}/cap": domain.CAP,
    "domains/{domain_id}/start": domain.START,
    "domains/{domain_id}/pause": domain.PAUSE,
    "domains/{domain_id}/resume": domain.RESUME,
    "domains/{domain_id}/delete": domain.DELETE,
    "accounts": accounts.CREATE,
    "accounts/{account_id}/retry": accounts.RETRY,
    "accounts/{account_id}/warm": accounts.WARM,
    "accounts/{account_id}/rest": accounts.REST,
    "accounts/{account_id}/delete": accounts.DELETE,
    "suppressions": suppressions.CREATE,
    "suppressions/{email}/allow": suppressions.DELETE,
    "webhooks": webhooks.CREATE,
    "webhooks/{webhook_id}/replay": webhooks.REPLAY,
    "webhooks/{webhook_id}/redeliver": webhooks.REDELIVER,
    "webhooks/{webhook_id}/rotate": webhooks.ROTATE,
    "webhooks/{webhook_id}/delete": webhooks.DELETE,
    "keys": keys.CREATE,
    "keys/{key_id}/rotate": keys.ROTATE,
    "keys/{key_id}/revoke": keys.REVOKE,
}
