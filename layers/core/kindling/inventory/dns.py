"""Comparing the records that Kindling published in Cloudflare's zones with domains and zone bindings."""

from collections import defaultdict
from collections.abc import Iterator

from kindling import providers
from kindling.cleanups.model import CleanupKind
from kindling.domains import dns, zones
from kindling.domains.model import Domain
from kindling.inventory import owners
from kindling.inventory.model import Kind, Problem, Sighting
from kindling.inventory.owners import DomainRef
from kindling.inventory.pace import Pace
from kindling.inventory.rules import Outcome, is_settled
from kindling.platform import clock, tenancy
from kindling.platform.tenancy import SHARED
from kindling.providers.credentials import CLOUDFLARE
from kindling.providers.model import DnsRecord, Zone, ZoneRecord

PUBLISHED = "published"
Records = dict[tuple[str, str], list[ZoneRecord]]


def scan(pace: Pace) -> Iterator[Sighting]:
    """Orphaned records, and domains whose records are gone. Raises ProviderError, OutOfTime."""
    all_records: Records = {}
    for page in pace.over(providers.dns().zone_pages()):
        for zone in pace.over(iter(page)):
            by_owner = _marked_records(zone)
            all_records |= by_owner
            references = [DomainRef(*owner, _names(records, zone.name)) for owner, records in by_owner.items()]
            yield from _orphans(references)
    if tenancy.current() == SHARED:
        yield from _bindings(all_records)
    yield from _missing(pace, all_records)


def _marked_records(zone: Zone) -> Records:
    """The zone's records that carry a mark, by tenant and domain."""
    records = defaultdict(list)
    for record in providers.dns().list_commented(zone, dns.MARK):
        owner = dns.parse_mark(record.comment)
        if owner:
            records[owner].append(record)
    return records


def _names(records: list[ZoneRecord], zone: str) -> tuple[str, ...]:
    """The possible names of the records' domain: every name that encloses all of them, from the zone's own down."""
    labels = [record.name.split(".")[::-1] for record in records]
    shared = zone.count(".") + 1
    while all(len(parts) > shared and parts[shared] == labels[0][shared] for parts in labels):
        shared += 1
    return tuple(".".join(labels[0][:length][::-1]) for length in range(zone.count(".") + 1, shared + 1))


def _orphans(references: list[DomainRef], *, reported: bool = True) -> Iterator[Sighting]:
    for reference, (outcome, name) in owners.classify_domains(references, CleanupKind.DNS_RECORDS).items():
        sighting = Sighting(
            kind=Kind.DNS_RECORDS,
            problem=Problem.ORPHAN,
            target=name,
            subject_id=reference.domain_id,
            message=f"Records carry the mark of domain {reference.domain_id}, which no row, cleanup or note explains.",
        )
        if outcome == Outcome.REMOVE:
            message = "The zone still has records, or a place, of a domain that was deleted or never finished."
            yield sighting.removable(reference.user_id, message)
        elif outcome == Outcome.REPORT and reported:
            yield sighting


def _bindings(records: Records) -> Iterator[Sighting]:
    """Ended domains that are still in a zone's binding without records there. Others may be new: not reported."""
    for binding in zones.list_bindings():
        owners_bound = ((binding.user_id, domain_id) for domain_id in sorted(binding.domains))
        references = [DomainRef(*owner, (binding.zone,)) for owner in owners_bound if owner not in records]
        yield from _orphans(references, reported=False)


def _missing(pace: Pace, records: Records) -> Iterator[Sighting]:
    for domain in pace.over(owners.verified_here(CLOUDFLARE)):
        if domain.dns_sync.status != PUBLISHED or not is_settled(domain.created_at, clock.now()):
            continue
        # Records that existed before carry no mark: before reporting, all records of the name are listed.
        if not _absent(domain, records.get((domain.user_id, domain.id), [])):
            continue
        absent = _absent(domain, _list_records(domain))
        if absent:
            names = ", ".join(f"{record.type} {record.name}" for record in absent)
            yield Sighting(
                kind=Kind.DNS_RECORDS,
                problem=Problem.GONE,
                target=domain.domain,
                subject_id=domain.id,
                user_id=domain.user_id,
                message=f"Records that we published are gone from the zone: {names}.",
            )


def _absent(domain: Domain, existing: list[ZoneRecord]) -> list[DnsRecord]:
    return dns.plan(domain.dns_records, existing, dns.mark(domain.user_id, domain.id)).add


def _list_records(domain: Domain) -> list[ZoneRecord]:
    zone = providers.dns().find_zone(domain.domain)
    return providers.dns().list_records(zone, domain.domain) if zone else []
