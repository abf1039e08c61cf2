"""The records that carry our mark, zone by zone, compared with domains and bindings."""

from collections import defaultdict
from collections.abc import Iterator

from kindling import providers
from kindling.cleanups.model import CleanupKind
from kindling.domains import dns, zones
from kindling.domains import service as domains
from kindling.domains.model import Domain
from kindling.inventory import owners
from kindling.inventory.model import Kind, Problem, Sighting
from kindling.inventory.owners import Trace
from kindling.inventory.pace import Pace
from kindling.inventory.rules import Outcome, is_settled
from kindling.platform import clock
from kindling.providers.model import DnsRecord, Zone, ZoneRecord

PUBLISHED = "published"
Records = dict[tuple[str, str], list[ZoneRecord]]


def look(pace: Pace) -> Iterator[Sighting]:
    """What is left over in Cloudflare's zones, and what is gone from them. Raises ProviderError, OutOfTime."""
    found: Records = {}
    for page in pace.over(providers.dns().zone_pages()):
        for zone in pace.over(iter(page)):
            records = _ours(zone)
            found |= records
            traces = [Trace(*whose, _names(standing, zone.name)) for whose, standing in records.items()]
            yield from _orphans(traces)
    yield from _bindings(found)
    yield from _missing(pace, found)


def _ours(zone: Zone) -> Records:
    """The zone's records by tenant and domain."""
    records = defaultdict(list)
    for record in providers.dns().list_commented(zone, dns.MARK):
        whose = dns.parse_mark(record.comment)
        if whose:
            records[whose].append(record)
    return records


def _names(records: list[ZoneRecord], zone: str) -> tuple[str, ...]:
    """What a domain with these records may be called: every name at or above all of them, down to the zone."""
    labels = [record.name.split(".")[::-1] for record in records]
    shared = zone.count(".") + 1
    while all(len(parts) > shared and parts[shared] == labels[0][shared] for parts in labels):
        shared += 1
    return tuple(".".join(labels[0][:length][::-1]) for length in range(zone.count(".") + 1, shared + 1))


def _orphans(traces: list[Trace], *, reported: bool = True) -> Iterator[Sighting]:
    for trace, (outcome, name) in owners.of_domains(traces, CleanupKind.DNS_RECORDS).items():
        sighting = Sighting(
            kind=Kind.DNS_RECORDS,
            problem=Problem.ORPHAN,
            target=name,
            subject_id=trace.domain_id,
            message=f"Records carry the mark of domain {trace.domain_id}, which no row, cleanup or note explains.",
        )
        if outcome == Outcome.REMOVE:
            message = "The zone still has records, or a place, of a domain that was deleted or never finished."
            yield sighting.removable(trace.user_id, message)
        elif outcome == Outcome.REPORT and reported:
            yield sighting


def _bindings(found: Records) -> Iterator[Sighting]:
    """Domains that hold their place in a zone without records there; one whose end is not on record may be new."""
    for binding in zones.list_bindings():
        pairs = ((binding.user_id, domain_id) for domain_id in sorted(binding.domains))
        traces = [Trace(*whose, (binding.zone,)) for whose in pairs if whose not in found]
        yield from _orphans(traces, reported=False)


def _missing(pace: Pace, found: Records) -> Iterator[Sighting]:
    for domain in pace.over(domains.all_verified()):
        if domain.dns_sync.status != PUBLISHED or not is_settled(domain.created_at, clock.now()):
            continue
        # Records that stood there before us carry no mark: only a look at all of them tells.
        if not _absent(domain, found.get((domain.user_id, domain.id), [])):
            continue
        absent = _absent(domain, _standing(domain))
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


def _absent(domain: Domain, standing: list[ZoneRecord]) -> list[DnsRecord]:
    return dns.plan(domain.dns_records, standing, dns.mark(domain.user_id, domain.id)).add


def _standing(domain: Domain) -> list[ZoneRecord]:
    zone = providers.dns().find_zone(domain.domain)
    return providers.dns().list_records(zone, domain.domain) if zone else []
