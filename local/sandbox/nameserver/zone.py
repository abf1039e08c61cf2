"""A zone at one instant, as on its authoritative servers."""

from datetime import timedelta

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT

from kindling.platform import clock
from local.sandbox.world import Record, World
from local.sandbox.zones import NAME_SERVERS, text_of, zone_id_of, zone_name_of

# The name servers of zones that are not at Cloudflare.
OTHER_NAME_SERVERS = ["ns1.external-host.example", "ns2.external-host.example"]
ADDRESS = "127.0.0.1"
TTL_SECONDS = 300
NEGATIVE_TTL_SECONDS = 1800
ZONE_LABELS = 2
STRING_BYTES = 255

Kind = dns.rdatatype.RdataType


class Zone:
    """The zone of a name. NS records below its apex do not delegate."""

    def __init__(self, world: World, name: dns.name.Name) -> None:
        self.name = dns.name.Name(name.labels[-ZONE_LABELS - 1 :]).canonicalize()
        self._rrsets: dict[tuple[dns.name.Name, Kind], dns.rrset.RRset] = {}
        self._nodes = {self.name}
        self._add_servers(world.number)
        self._add_cloudflare_records(world)
        for owner, texts in world.settings.dns_txt.items():
            for text in texts:
                self._add(dns.name.from_text(owner), text_record(text))

    @property
    def soa(self) -> dns.rrset.RRset:
        return self._rrsets[self.name, Kind.SOA]

    def find(self, name: dns.name.Name, kind: Kind) -> dns.rrset.RRset | None:
        """The records of a name, or those of the wildcard that matches it (RFC 4592)."""
        found = self._rrsets.get((self._source_of(name), kind))
        return found and dns.rrset.from_rdata_list(name, found.ttl, list(found))

    def knows(self, name: dns.name.Name) -> bool:
        """Whether the name exists: it has records, is above names with records, or matches a wildcard."""
        return self._source_of(name) in self._nodes

    def _source_of(self, name: dns.name.Name) -> dns.name.Name:
        if name in self._nodes:
            return name
        encloser = name
        while encloser not in self._nodes:
            encloser = encloser.parent()
        return dns.name.Name((b"*", *encloser.labels))

    def _add_servers(self, serial: int) -> None:
        hosts = OTHER_NAME_SERVERS if zone_name_of(_text(self.name)) is None else NAME_SERVERS
        times = f"{serial} 10000 2400 604800 {NEGATIVE_TTL_SECONDS}"
        self._add(self.name, _record(Kind.SOA, f"{hosts[0]}. dns.{hosts[0]}. {times}"))
        for host in hosts:
            self._add(self.name, _record(Kind.NS, f"{host}."))
        for host in (*NAME_SERVERS, *OTHER_NAME_SERVERS):
            self._add(dns.name.from_text(host), _record(Kind.A, ADDRESS))

    def _add_cloudflare_records(self, world: World) -> None:
        latest = clock.now() - timedelta(seconds=world.settings.dns_visible_seconds)
        for record in world.records.get(zone_id_of(_text(self.name)), {}).values():
            if clock.parse(record.updated_at) <= latest:
                self._add(dns.name.from_text(record.name), _cloudflare_record(record))

    def _add(self, name: dns.name.Name, record: dns.rdata.Rdata) -> None:
        """Add a record and the names between it and the zone's apex. A record outside the zone is ignored."""
        if not name.is_subdomain(self.name):
            return
        key = (name, record.rdtype)
        self._rrsets.setdefault(key, dns.rrset.RRset(name, dns.rdataclass.IN, record.rdtype)).add(record, TTL_SECONDS)
        while name not in self._nodes:
            self._nodes.add(name)
            name = name.parent()


def text_record(text: str) -> dns.rdata.Rdata:
    """A TXT record with its text in strings of at most 255 bytes."""
    data = text.encode()
    strings = [data[start : start + STRING_BYTES] for start in range(0, len(data) or 1, STRING_BYTES)]
    return TXT(dns.rdataclass.IN, Kind.TXT, strings)


def _cloudflare_record(record: Record) -> dns.rdata.Rdata:
    if record.type == "TXT":
        return text_record(text_of(record.content) or "")
    content = record.content if record.type in ("A", "AAAA") else f"{record.content}."
    priority = "" if record.priority is None else f"{record.priority} "
    return _record(dns.rdatatype.from_text(record.type), priority + content)


def _record(kind: Kind, text: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text(dns.rdataclass.IN, kind, text)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)
