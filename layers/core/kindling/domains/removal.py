"""Taking a domain out of the providers again: for the undo of its onboarding, and for its deletion."""

from kindling import providers
from kindling.domains import dns, store, zones


def unpublish(domain: str, user_id: str, domain_id: str) -> None:
    """Remove the records that carry this domain's mark, and only those; then its zone may be another tenant's."""
    cloudflare = providers.dns()
    zone = cloudflare.find_zone(domain)
    if zone:
        records = cloudflare.list_records(zone, domain)
        ours = [record for record in records if record.comment == dns.mark(user_id, domain_id)]
        if ours:
            cloudflare.change(zone, add=[], remove=ours, comment="")
    zones.leave(domain, domain_id)


def deregister(domain: str, user_id: str, domain_id: str) -> None:
    """Remove the registration once nobody needs it, unless it was there before us.

    The note of who needs it goes last, so that a removal that failed finds it again.
    """
    left = store.drop_registration(domain, user_id, domain_id)
    if left.get("holders"):
        return
    if left.get("origin") == store.CREATED:
        providers.mail().delete_domain(domain)
    store.forget_registration(domain)
