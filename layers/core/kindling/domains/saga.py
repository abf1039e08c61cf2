"""The steps of `onboard_domain` and their undos. Every one may run again and changes nothing the second time."""

from typing import Any

from kindling import clock, providers
from kindling.domains import dns, removal, service, store
from kindling.domains.model import (
    DnsSync,
    Domain,
    DomainStatus,
    OffboardDomain,
    OnboardDomain,
    checks,
    plain_records,
)
from kindling.errors import ProviderUnavailable
from kindling.operations import service as operations
from kindling.warming import steps


def claim_name(saga: OnboardDomain) -> None:
    """Raises DomainExists, DomainTaken."""
    store.claim_name(saga)


def release_name(saga: OnboardDomain, caught: dict[str, str]) -> str:
    """Free the name and close the operation with what was caught; the sentence that says why it failed."""
    store.release_name(saga)
    return operations.fail(saga.user_id, saga.operation_id, caught)


def register_domain(saga: OnboardDomain) -> None:
    """Register the domain at the mail provider, or join a registration that stands there.

    Whether it stood there before us is written down before we create one: only what we made may be removed.
    """
    registration = store.hold_registration(saga.domain, saga.user_id, saga.domain_id)
    mail = providers.mail()
    standing = mail.get_domain(saga.domain)
    if "origin" not in registration:
        store.note_registration(saga.domain, store.FOUND if standing else store.CREATED)
    if standing is None:
        mail.create_domain(saga.domain)


def deregister_domain(saga: OnboardDomain) -> None:
    """Remove the registration once nobody needs it, unless it was there before us."""
    removal.deregister(saga.domain, saga.user_id, saga.domain_id)


def publish_dns(saga: OnboardDomain) -> DnsSync:
    """Write the missing records in one batch; nothing at all when a record of the user's is in the way."""
    live = providers.mail().get_domain(saga.domain)
    if live is None:
        raise ProviderUnavailable("AgentMail does not know the domain yet.")
    cloudflare = providers.dns()
    zone = cloudflare.find_zone(saga.domain)
    if zone is None:
        return DnsSync(status="skipped", message=service.NO_ZONE)
    if not zone.active:
        return DnsSync(status="skipped", zone=zone.name, message=f"The zone {zone.name} is not active at Cloudflare.")
    changes = dns.plan(live.records, cloudflare.list_records(zone, saga.domain), saga.domain_id)
    if changes.conflicts:
        message = "Records of yours stand where ours have to: nothing was published."
        return DnsSync(status="conflict", zone=zone.name, message=message, conflicts=changes.conflicts)
    if changes.add or changes.remove:
        cloudflare.change(zone, add=changes.add, remove=changes.remove, comment=dns.mark(saga.domain_id))
    return DnsSync(status="published", zone=zone.name)


def unpublish_dns(saga: OnboardDomain) -> None:
    """Remove the records that carry this domain's mark, and only those."""
    removal.unpublish(saga.domain, saga.domain_id)


def retire_domain(retirement: OffboardDomain) -> None:
    """Delete the row and free the name; from then on cleanups name what the providers still hold."""
    store.retire(retirement)


def trigger_verification(saga: OnboardDomain) -> None:
    providers.mail().verify_domain(saga.domain)


def save_domain(saga: OnboardDomain, dns_sync: dict[str, Any], *, triggered: bool) -> None:
    """Write the row with the status that the provider gives it now. Raises DomainTaken when it came second."""
    live = providers.mail().get_domain(saga.domain)
    if live is None:
        raise ProviderUnavailable("AgentMail does not know the domain yet.")
    now = clock.timestamp()
    status = DomainStatus.VERIFYING if triggered else DomainStatus.PENDING
    if live.status == "VERIFIED":
        status = DomainStatus.VERIFIED
    domain = Domain(
        id=saga.domain_id,
        user_id=saga.user_id,
        domain=saga.domain,
        agentmail_domain_id=live.domain_id,
        status=status,
        dns_records=plain_records(live.records),
        dns_sync=DnsSync.model_validate(dns_sync),
        type=saga.type,
        catch_all_enabled=saga.catch_all_enabled,
        checks=checks(live.records, saga.domain),
        last_dns_check=now,
        verified_at=now if status == DomainStatus.VERIFIED else None,
        verification_triggered_at=now if triggered else None,
        created_at=now,
        updated_at=now,
    )
    due_fields = service.due_fields(domain.id, status, domain.verification_triggered_at)
    verified = status == DomainStatus.VERIFIED
    warming = steps.begun(domain.user_id, domain.id, domain.domain, verified=verified)
    store.save(domain, saga.operation_id, due_fields, warming)
