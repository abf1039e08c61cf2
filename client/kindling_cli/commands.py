"""Every command that calls the API: its words, and the operation of the OpenAPI document behind it.

Flags, help and values come from the operation, so that a new route needs one line here. `docs/cli.md` says more.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A command over one operation.

    `id` is the field that the flag `--id` gives. `columns` are shown of each row of a list. `made` is the operation
    that reads what the command has made, once it was waited for. `file` is the field whose rows a file has, as JSON or
    CSV. A `view` is how people are shown the answer, by its name in `views`. One that `follows` shows the operation
    that it waited for.
    """

    operation: str
    id: str = ""
    columns: tuple[str, ...] = ()
    made: str = ""
    file: str = ""
    hidden: bool = False
    view: str = ""
    follows: bool = False


DAILY = ("total_sent", "total_delivered", "total_bounced", "total_complaints", "delivery_rate", "bounce_rate")

COMMANDS = {
    "email domain create": Command("create_domain", made="get_domain"),
    "email domain list": Command("list_domains", columns=("id", "domain", "status", "status_reason", "created_at")),
    "email domain get": Command("get_domain", id="domain_id"),
    "email domain verify": Command("verify_domain", id="domain_id"),
    "email domain update": Command("update_domain", id="domain_id"),
    "email domain delete": Command("delete_domain", id="domain_id"),
    "email domain dns-records": Command("get_dns_records", id="domain_id"),
    "email domain dns-record": Command("get_dns_records", id="domain_id", hidden=True),
    "email domain required-records": Command("get_sending_domain_dns", id="domain_id"),
    "email domain sync-dns-records": Command("sync_dns_records", id="domain_id"),
    "email account create": Command("create_account", made="get_account"),
    "email account batch": Command("create_accounts", file="accounts", follows=True),
    "email account list": Command(
        "list_accounts", columns=("id", "email_address", "status", "warmup_status", "warmup_reason", "created_at")
    ),
    "email account get": Command("get_account", id="account_id"),
    "email account update": Command("update_account", id="account_id"),
    "email account delete": Command("delete_account", id="account_id"),
    "email account retry-warmup": Command("retry_warmup", id="account_id"),
    "email account warmup-analytics": Command(
        "get_warmup_analytics",
        columns=("id", "email", "total_sent", "total_received", "health_score", "warmup_reputation"),
    ),
    "warming status": Command("get_warming", view="ramp"),
    "warming history": Command(
        "list_warming_history", columns=("created_at", "from_phase", "to_phase", "reason", "triggered_by", "detail")
    ),
    "warming start": Command("start_warming"),
    "warming pause": Command("pause_warming"),
    "warming resume": Command("resume_warming"),
    "warming explain": Command("explain_warming"),
    "warming cap": Command("set_warming_cap"),
    "warming schedule": Command("get_warming_schedules", view="schedules"),
    "warming set-schedule": Command("set_warming_schedule"),
    "send": Command("send_email"),
    "send-batch": Command("send_batch", file="emails"),
    "emails list": Command("list_emails", columns=("id", "sent_at", "from", "to", "subject", "status")),
    "emails get": Command("get_email", id="email_id"),
    "emails events": Command("list_email_events", id="email_id"),
    "recipients export": Command("export_recipient"),
    "recipients erase": Command("erase_recipient"),
    "stats summary": Command("get_stats"),
    "stats daily": Command("get_daily_stats", columns=("date", *DAILY)),
    "stats hourly": Command("get_hourly_stats", columns=("hour", *DAILY)),
    "stats isp": Command("get_isp_stats", columns=("isp", *DAILY)),
    "usage": Command("get_usage"),
    "suppressions list": Command("list_suppressions", columns=("email", "reason", "source", "created_at")),
    "suppressions create": Command("create_suppression"),
    "suppressions check": Command("check_suppression"),
    "suppressions delete": Command("delete_suppression"),
    "suppressions import": Command("preview_import", file="rows"),
    "suppressions commit": Command("commit_import", id="job_id"),
    "suppressions imported": Command("get_import", id="job_id"),
    "keys list": Command(
        "list_keys", columns=("id", "name", "scopes", "live", "created_at", "expires_at", "revoked_at", "last_used_at")
    ),
    "keys create": Command("create_key"),
    "keys revoke": Command("revoke_key", id="key_id"),
    "keys rotate": Command("rotate_key", id="key_id"),
    "webhooks list": Command(
        "list_webhooks", columns=("id", "webhook_url", "event_types", "style", "enabled", "failing_since")
    ),
    "webhooks create": Command("create_webhook"),
    "webhooks delete": Command("delete_webhook", id="webhook_id"),
    "webhooks rotate": Command("rotate_webhook_secret", id="webhook_id"),
    "webhooks replay": Command("replay_deliveries", id="webhook_id"),
    "webhooks deliveries": Command(
        "list_deliveries",
        id="webhook_id",
        columns=("id", "event_type", "status", "attempts", "response_status", "last_error", "created_at"),
    ),
    "deliveries list": Command(
        "list_all_deliveries",
        columns=("id", "webhook_id", "event_type", "status", "attempts", "response_status", "last_error", "created_at"),
    ),
    "operations get": Command("get_operation", id="operation_id"),
    "operations wait": Command("get_operation", id="operation_id", follows=True),
    "audit list": Command(
        "list_audit_entries", columns=("created_at", "key_name", "method", "route", "outcome", "status", "subject_id")
    ),
    "cleanups list": Command(
        "list_cleanups", columns=("kind", "target", "attempts", "stuck", "next_attempt_at", "last_error")
    ),
    "findings list": Command("list_inventory", columns=("kind", "problem", "target", "message", "first_seen_at")),
    "health": Command("get_health"),
}

# Operations without a command: the same domains under /v1, the API about itself, and what only a provider calls.
WITHOUT_COMMAND = {
    "create_sending_domain",
    "delete_sending_domain",
    "get_docs",
    "get_index",
    "get_openapi",
    "get_sending_domain",
    "list_sending_domains",
    "receive_agentmail",
    "update_sending_domain",
    "verify_sending_domain",
}

TOPICS = {
    "email": "Domains and accounts that send.",
    "email domain": "Sending domains; without a command, lists them.",
    "email account": "Email accounts; without a command, lists them.",
    "warming": "How much a domain may send, and why.",
    "emails": "The log of sent messages: to whom, and what became of them.",
    "recipients": "What is known about an address that was written to.",
    "stats": "What came of what was sent.",
    "suppressions": "Addresses that are not written to.",
    "keys": "API keys.",
    "webhooks": "URLs that are sent events, and their deliveries.",
    "deliveries": "What was sent to all webhooks.",
    "operations": "Creations and deletions that take a while.",
    "audit": "Which key asked for which change, and what was answered.",
    "cleanups": "What is still to be removed at the providers.",
    "findings": "What the daily inventory has found.",
}

# A word that ends where a command is expected.
DEFAULTS = {"email domain": "list", "email account": "list"}
