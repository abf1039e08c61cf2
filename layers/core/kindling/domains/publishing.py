"""Publishing a domain's records in its zone: as a step of its onboarding, and again for a domain that has a row."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kindling import providers
from kindling.domains import dns, store, verification, zones
from kindling.domains.dns import DnsPlan
from kindling.domains.model import DnsSync, Domain
from kindling.errors import NotFound, ProviderError
from kindling.platform import clock
from kindling.providers.model import DnsRecord, MailDomain

# A caller of the API waits for it, and has other answers to wait for.
PUBLISH_SECONDS = 8.0
UNREGISTERED = "AgentMail no longer knows the domain: verify it, which registers it anew and publishes its records."


@dataclass(frozen=True)
class Publication:
    """What came of publishing, and the changes to the zone that it took or, without having made them, would take."""

    sync: DnsSync
    plan: DnsPlan = field(default_factory=DnsPlan)

    def wire(self) -> dict[str, Any]:
        """Both as the API shows them."""
        return {
            "dns_sync": self.sync.model_dump(),
            "plan": {
                "add": [record.model_dump(exclude_none=True) for record in self.plan.add],
                "remove": [record.model_dump(exclude={"comment"}) for record in self.plan.remove],
                "conflicts": [conflict.model_dump() for conflict in self.plan.conflicts],
            },
        }


def publish(
    name: str, user_id: str, domain_id: str, wanted: Sequence[DnsRecord], *, dry_run: bool = False
) -> Publication:
    """Write the missing records in one batch, in a zone that is bound to the tenant; with `dry_run` nothing at all.

    Nothing is written either when a record of the user's is in the way. Raises ProviderError.
    """
    cloudflare = providers.dns()
    zone = cloudflare.find_zone(name)
    bound = zone and (zones.may_join(zone.name, user_id) if dry_run else zones.join(zone.name, user_id, domain_id))
    if zone is None or not bound:
        return Publication(DnsSync(status="skipped", message=zones.NOT_BOUND))
    if not zone.active:
        message = f"The zone {zone.name} is not active at Cloudflare."
        return Publication(DnsSync(status="skipped", zone=zone.name, message=message))
    mark = dns.mark(user_id, domain_id)
    changes = dns.plan(wanted, cloudflare.list_records(zone, name), mark)
    if changes.conflicts:
        message = "Records of yours stand where ours have to: nothing was published."
        sync = DnsSync(status="conflict", zone=zone.name, message=message, conflicts=changes.conflicts)
        return Publication(sync, changes)
    if dry_run:
        return Publication(DnsSync(status="planned", zone=zone.name, message="Nothing was written."), changes)
    if changes.add or changes.remove:
        cloudflare.change(zone, add=changes.add, remove=changes.remove, comment=mark)
    return Publication(DnsSync(status="published", zone=zone.name), changes)


def republish(domain: Domain, live: MailDomain | None) -> tuple[Domain, Publication]:
    """Publish what the mail provider asks for now, and write onto the row what came of it.

    What Cloudflare refuses or leaves undone is an outcome, `failed`. Raises NotFound when the domain was deleted
    meanwhile; then the removal of what was restored for it is scheduled.
    """
    publication = _attempt(domain, live)
    changed: dict[str, Any] = {"dns_sync": publication.sync}
    if live:
        changed |= {"agentmail_domain_id": live.domain_id, "dns_records": verification.wanted(domain, live)}
    row = domain.model_copy(update=changed).model_dump(mode="json", include=set(changed), exclude_none=True)
    try:
        return store.change(domain, row), publication
    except NotFound:
        # Imported here: hardly any request deletes a domain while another publishes it.
        from kindling.domains import commits

        commits.schedule_removal(domain)
        raise


def preview(domain: Domain, live: MailDomain | None) -> Publication:
    """What `republish` would do now. Nothing is written."""
    return _attempt(domain, live, dry_run=True)


def _attempt(domain: Domain, live: MailDomain | None, *, dry_run: bool = False) -> Publication:
    if live is None:
        return Publication(DnsSync(status="failed", message=UNREGISTERED))
    wanted = verification.wanted(domain, live)
    try:
        with clock.within(PUBLISH_SECONDS):
            return publish(domain.domain, domain.user_id, domain.id, wanted, dry_run=dry_run)
    except ProviderError as error:
        message = f"Publishing failed, try again or add the records by hand: {error}"
        return Publication(DnsSync(status="failed", message=message))
