"""Removing a domain's resources from the providers: for the undo of its onboarding, and for its cleanups."""

from kindling import providers
from kindling.cleanups.model import Cleanup
from kindling.domains import dns, registrations, zones


def unpublish(name: str, user_id: str, domain_id: str) -> None:
    """Remove the DNS records that carry this domain's mark, and no others; then remove it from its zone's binding."""
    cloudflare = providers.dns()
    zone = cloudflare.find_zone(name)
    if zone:
        records = cloudflare.list_records(zone, name)
        ours = [record for record in records if record.comment == dns.mark(user_id, domain_id)]
        if ours:
            cloudflare.change(zone, add=[], remove=ours, comment="")
    zones.leave(name, domain_id)


def deregister(name: str, user_id: str, domain_id: str) -> None:
    """Remove the registration when no other domain needs it, unless it existed before Kindling.

    Its record is deleted last, so that a removal that failed finds it again.
    """
    left = registrations.leave(name, user_id, domain_id)
    if left.holders:
        return
    if left.origin == registrations.CREATED:
        providers.mail().delete_domain(name)
    registrations.forget(name, registrations.organisation_of(user_id))


def remove_dns_records(cleanup: Cleanup) -> None:
    """Carry out a cleanup of DNS records. Raises ProviderError."""
    unpublish(cleanup.target, cleanup.user_id, cleanup.subject_id)


def remove_mail_domain(cleanup: Cleanup) -> None:
    """Carry out a cleanup of a registration. Raises ProviderError."""
    deregister(cleanup.target, cleanup.user_id, cleanup.subject_id)
