"""The three providers and DNS, each behind a Protocol. Clients import their dependencies on first use."""

from functools import cache

from kindling.platform import aws
from kindling.platform.settings import settings
from kindling.providers.model import DnsProvider, MailProvider, Resolver, WarmupProvider


@cache
def mail() -> MailProvider:
    """AgentMail: domains and inboxes."""
    from kindling.providers.agentmail import AgentMail

    return AgentMail(settings().agentmail_url, lambda: aws.secret(settings().agentmail_secret))


@cache
def warmup() -> WarmupProvider:
    """Instantly: warmup accounts and tags."""
    from kindling.providers.instantly import Instantly

    return Instantly(settings().instantly_url, lambda: aws.secret(settings().instantly_secret))


@cache
def dns() -> DnsProvider:
    """Cloudflare: zones and records."""
    from kindling.providers.cloudflare import Cloudflare

    return Cloudflare(settings().cloudflare_url, lambda: aws.secret(settings().cloudflare_secret))


@cache
def resolver() -> Resolver:
    """DNS, read from the authoritative name servers of a zone."""
    from kindling.providers.authoritative import AuthoritativeResolver

    return AuthoritativeResolver(settings().dns_resolvers)
