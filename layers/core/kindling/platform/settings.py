"""The settings of a function, read from environment variables.

The environment holds ARNs of secrets, never their values: see `kindling.platform.aws.secret`.
"""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Settings:
    """Settings of one function. Names, ARNs and queue URLs are empty unless the template sets them for it.

    `clock_file` is set in the local cloud only: the path of a file with the clock's offset in seconds.
    `reserved_names_allowed` accepts reserved domain names such as those below `.example`, which the sandbox hosts;
    `loopback_webhooks_allowed` lets webhooks reach the machine's own addresses, also by http.
    """

    table_name: str
    metrics_namespace: str
    agentmail_url: str
    instantly_url: str
    cloudflare_url: str
    postmaster_url: str
    dns_resolvers: tuple[str, ...]
    agentmail_secret: str
    agentmail_webhook_secret: str
    instantly_secret: str
    cloudflare_secret: str
    postmaster_secret: str
    deployment_secret: str
    onboard_domain_arn: str
    provision_account_arn: str
    provision_accounts_arn: str
    offboard_domain_arn: str
    deprovision_account_arn: str
    zone_binding: str
    verifications_queue_url: str
    cleanups_queue_url: str
    judgements_queue_url: str
    reviews_queue_url: str
    warmups_queue_url: str
    deliveries_queue_url: str
    event_bus_name: str
    tenant_requests_per_second: int
    key_requests_per_second: int
    tenant_creates_per_hour: int
    key_creates_per_hour: int
    failed_authentications_per_minute: int
    message_log_days: int
    provider_timeout_seconds: float
    agentmail_requests_per_second: float
    instantly_requests_per_second: float
    cloudflare_requests_per_second: float
    saga_wait_seconds: float
    waiting_requests: int
    reserved_names_allowed: bool
    loopback_webhooks_allowed: bool
    clock_file: str


@cache
def settings() -> Settings:
    """The settings, read once per Lambda execution environment."""
    return Settings(
        table_name=os.environ.get("TABLE_NAME", ""),
        metrics_namespace=os.environ.get("METRICS_NAMESPACE", "Kindling"),
        agentmail_url=os.environ.get("AGENTMAIL_URL", "https://api.agentmail.to"),
        instantly_url=os.environ.get("INSTANTLY_URL", "https://api.instantly.ai"),
        cloudflare_url=os.environ.get("CLOUDFLARE_URL", "https://api.cloudflare.com/client/v4"),
        postmaster_url=os.environ.get("POSTMASTER_URL", "https://gmailpostmastertools.googleapis.com"),
        dns_resolvers=tuple(os.environ.get("DNS_RESOLVERS", "1.1.1.1,8.8.8.8,9.9.9.9").split(",")),
        agentmail_secret=os.environ.get("AGENTMAIL_SECRET", ""),
        agentmail_webhook_secret=os.environ.get("AGENTMAIL_WEBHOOK_SECRET", ""),
        instantly_secret=os.environ.get("INSTANTLY_SECRET", ""),
        cloudflare_secret=os.environ.get("CLOUDFLARE_SECRET", ""),
        postmaster_secret=os.environ.get("POSTMASTER_SECRET", ""),
        deployment_secret=os.environ.get("DEPLOYMENT_SECRET", ""),
        onboard_domain_arn=os.environ.get("ONBOARD_DOMAIN_ARN", ""),
        provision_account_arn=os.environ.get("PROVISION_ACCOUNT_ARN", ""),
        provision_accounts_arn=os.environ.get("PROVISION_ACCOUNTS_ARN", ""),
        offboard_domain_arn=os.environ.get("OFFBOARD_DOMAIN_ARN", ""),
        deprovision_account_arn=os.environ.get("DEPROVISION_ACCOUNT_ARN", ""),
        zone_binding=os.environ.get("ZONE_BINDING", "operator"),
        cleanups_queue_url=os.environ.get("CLEANUPS_QUEUE_URL", ""),
        judgements_queue_url=os.environ.get("JUDGEMENTS_QUEUE_URL", ""),
        reviews_queue_url=os.environ.get("REVIEWS_QUEUE_URL", ""),
        warmups_queue_url=os.environ.get("WARMUPS_QUEUE_URL", ""),
        deliveries_queue_url=os.environ.get("DELIVERIES_QUEUE_URL", ""),
        event_bus_name=os.environ.get("EVENT_BUS_NAME", ""),
        verifications_queue_url=os.environ.get("VERIFICATIONS_QUEUE_URL", ""),
        tenant_requests_per_second=int(os.environ.get("TENANT_REQUESTS_PER_SECOND", "50")),
        key_requests_per_second=int(os.environ.get("KEY_REQUESTS_PER_SECOND", "25")),
        tenant_creates_per_hour=int(os.environ.get("TENANT_CREATES_PER_HOUR", "2000")),
        key_creates_per_hour=int(os.environ.get("KEY_CREATES_PER_HOUR", "1000")),
        message_log_days=int(os.environ.get("MESSAGE_LOG_DAYS", "35")),
        failed_authentications_per_minute=int(os.environ.get("FAILED_AUTHENTICATIONS_PER_MINUTE", "60")),
        provider_timeout_seconds=float(os.environ.get("PROVIDER_TIMEOUT_SECONDS", "8")),
        agentmail_requests_per_second=float(os.environ.get("AGENTMAIL_REQUESTS_PER_SECOND", "50")),
        instantly_requests_per_second=float(os.environ.get("INSTANTLY_REQUESTS_PER_SECOND", "80")),
        cloudflare_requests_per_second=float(os.environ.get("CLOUDFLARE_REQUESTS_PER_SECOND", "3")),
        saga_wait_seconds=float(os.environ.get("SAGA_WAIT_SECONDS", "20")),
        waiting_requests=int(os.environ.get("WAITING_REQUESTS", "5")),
        reserved_names_allowed=os.environ.get("RESERVED_NAMES") == "allow",
        loopback_webhooks_allowed=os.environ.get("LOOPBACK_WEBHOOKS") == "allow",
        clock_file=os.environ.get("KINDLING_CLOCK_FILE", ""),
    )
