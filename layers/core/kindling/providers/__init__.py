"""The three providers and DNS, each behind a Protocol. Clients import their dependencies on first use."""

from functools import cache

from kindling.platform import aws
from kindling.platform.settings import settings
from kindling.providers.model import DnsProvider, MailProvider, Resolver, WarmupProvider


@cache
def mail() -> MailProvider:
    """AgentMail: domains and inboxes."""
    from kindling.providers.agentmail import AgentMail

    known = settings()
    return AgentMail(
        known.agentmail_url, lambda: aws.secret(known.agentmail_secret), known.agentmail_requests_per_second
    )


@cache
def warmup() -> WarmupProvider:
    """Instantly: warmup accounts and tags."""
    from kindling.providers.instantly import Instantly

    known = settings()
    return Instantly(
        known.instantly_url, lambda: aws.secret(known.instantly_secret), known.instantly_requests_per_second
    )


@cache
def dns() -> DnsProvider:
    """Cloudflare: zones and records."""
    from kindling.providers.cloudflare import Cloudflare

    known = settings()
    return Cloudflare(
        known.cloudflare_url, lambda: aws.secret(known.cloudflare_secret), known.cloudflare_requests_per_second
    )


@cache
def resolver() -> Resolver:
    """DNS, read from the authoritative name servers of a zone."""
    from kindling.providers.authoritative import AuthoritativeResolver

    return AuthoritativeResolver(settings().dns_resolvers)
