"""The providers and DNS, each behind a Protocol. Clients import their dependencies on first use.

A provider's client is that of the tenant for whom the code works (`platform.tenancy`): one with the tenant's own key
when it has one (`providers.credentials`), else the one that all others share. Rate limit and circuit are the client's,
so that what one workspace suffers is felt in no other.
"""

from functools import cache, lru_cache

from kindling.errors import KeyRefused, ProviderUnavailable, StoreUnavailable
from kindling.platform import aws, tenancy
from kindling.platform.settings import settings
from kindling.platform.tenancy import SHARED
from kindling.providers import credentials
from kindling.providers.model import DnsProvider, MailProvider, ReputationProvider, Resolver, WarmupProvider

# Clients of tenants' own workspaces that an execution environment keeps, each with its connections.
CLIENTS = 32


def mail() -> MailProvider:
    """AgentMail: domains and inboxes."""
    return _mail(*_account(credentials.AGENTMAIL, settings().agentmail_secret))


def warmup() -> WarmupProvider:
    """Instantly: warmup accounts and tags."""
    return _warmup(*_account(credentials.INSTANTLY, settings().instantly_secret))


def dns() -> DnsProvider:
    """Cloudflare: zones and records."""
    return _dns(*_account(credentials.CLOUDFLARE, settings().cloudflare_secret))


def reputation() -> ReputationProvider:
    """Google Postmaster Tools: what Gmail makes of a domain's mail."""
    return _reputation(*_account(credentials.POSTMASTER, settings().postmaster_secret))


@cache
def resolver() -> Resolver:
    """DNS, read from the authoritative name servers of a zone."""
    from kindling.providers.authoritative import AuthoritativeResolver

    return AuthoritativeResolver(settings().dns_resolvers)


@lru_cache(CLIENTS)
def _mail(owner: str, secret: str) -> MailProvider:
    from kindling.providers.agentmail import AgentMail

    known = settings()
    return AgentMail(known.agentmail_url, lambda: _key(owner, secret), known.agentmail_requests_per_second, owner)


@lru_cache(CLIENTS)
def _warmup(owner: str, secret: str) -> WarmupProvider:
    from kindling.providers.instantly import Instantly

    known = settings()
    return Instantly(known.instantly_url, lambda: _key(owner, secret), known.instantly_requests_per_second, owner)


@lru_cache(CLIENTS)
def _dns(owner: str, secret: str) -> DnsProvider:
    from kindling.providers.cloudflare import Cloudflare

    known = settings()
    return Cloudflare(known.cloudflare_url, lambda: _key(owner, secret), known.cloudflare_requests_per_second, owner)


@lru_cache(CLIENTS)
def _reputation(owner: str, secret: str) -> ReputationProvider:
    from kindling.providers.postmaster import Postmaster

    return Postmaster(settings().postmaster_url, lambda: _key(owner, secret), owner)


def _account(provider: str, shared_secret: str) -> tuple[str, str]:
    """The owner of the workspace to use now, and the secret with the key to it."""
    user_id = tenancy.current()
    own = credentials.secrets_of(user_id).get(provider)
    return (user_id, own) if own else (SHARED, shared_secret)


def _key(owner: str, secret: str) -> str:
    """The API key in a secret.

    That of a tenant may be missing or no key at all, which is a problem of its workspace and not of our table.
    """
    if owner == SHARED:
        return aws.secret(secret)
    try:
        key = aws.secret(secret)
    except StoreUnavailable as error:
        raise ProviderUnavailable("The key to the tenant's own workspace cannot be read.", unreached=True) from error
    if not (key.isascii() and key.isprintable()):
        raise KeyRefused("The key to the tenant's own workspace is not one.")
    return key
