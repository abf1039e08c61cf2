"""Reads TXT records from the authoritative servers of a zone, through several recursive resolvers.

All queries use TCP. An off-path attacker can forge a UDP response by guessing the source port and the 16-bit query id,
but cannot inject data into a TCP connection (RFC 5452, section 9).
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from kindling.errors import ProviderMisconfigured
from kindling.platform import clock, parallel
from kindling.providers.model import TxtSurvey

EXCHANGE_SECONDS = 2.0
VANTAGE_POINT_SECONDS = 4.0
SERVERS_TRIED = 4
DNS_PORT = 53
# IPv4 first: not every network reaches IPv6.
ADDRESS_KINDS = (dns.rdatatype.A, dns.rdatatype.AAAA)
CONCLUSIVE = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
# What dnspython raises for a timeout, a refused or closed connection, and a malformed response.
LOOKUP_ERRORS = (dns.exception.DNSException, OSError, EOFError)


@dataclass(frozen=True)
class VantagePoint:
    """A recursive resolver. Authoritative servers are queried on the same port."""

    address: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "VantagePoint":
        """Parse `address` or `address:port`, with an IPv6 address in brackets. Raises ProviderMisconfigured."""
        address, colon, port = text, "", ""
        if text.startswith("[") or text.count(":") == 1:
            address, colon, port = text.rpartition(":")
            address = address.removeprefix("[").removesuffix("]")
        try:
            point = cls(str(ipaddress.ip_address(address)), int(port) if colon else DNS_PORT)
        except ValueError:
            point = None
        if point is None or not 0 < point.port < 65536:
            raise ProviderMisconfigured(f"DNS_RESOLVERS names '{text}', which is no address or address:port.")
        return point

    def may_query(self, address: str) -> bool:
        """Whether a server at this address may be queried.

        Private addresses are refused so that an NS record cannot direct queries into our own network. A resolver on
        loopback, as in the local cloud, may name any.
        """
        return ipaddress.ip_address(address).is_global or ipaddress.ip_address(self.address).is_loopback


class AuthoritativeResolver:
    """Implements Resolver. Nothing is cached between calls."""

    def __init__(self, vantage_points: tuple[str, ...]) -> None:
        """Raises ProviderMisconfigured for a text that `VantagePoint.parse` rejects."""
        self._points = [VantagePoint.parse(text) for text in vantage_points]

    def read_txt(self, name: str) -> TxtSurvey:
        """Read the TXT records of exactly this name from all vantage points at once, within VANTAGE_POINT_SECONDS."""
        views = parallel.each(lambda point: _Lookup(point).run(name), self._points, threads=len(self._points))
        return TxtSurvey(tuple(views))


class _Lookup:
    """One lookup from one vantage point."""

    def __init__(self, point: VantagePoint) -> None:
        self._point = point
        self._deadline = clock.monotonic() + clock.left(VANTAGE_POINT_SECONDS)

    def run(self, name: str) -> frozenset[str] | None:
        """The TXT values of the name; None when no server gave a conclusive response."""
        try:
            return self._texts(dns.name.from_text(name))
        except LOOKUP_ERRORS:
            return None

    def _texts(self, name: dns.name.Name) -> frozenset[str] | None:
        """The values from the first of the zone's servers that responds with authority.

        A CNAME is not followed: the owner of its target does not control the name.
        """
        for address in islice(self._servers(self._enclosing_zone(name)), SERVERS_TRIED):
            query = dns.message.make_query(name, dns.rdatatype.TXT, flags=0)
            try:
                answer = self._exchange(address, query)
            except LOOKUP_ERRORS:
                continue
            if answer.flags & dns.flags.AA and answer.rcode() in CONCLUSIVE:
                texts = _records(answer, name, dns.rdatatype.TXT)
                return frozenset(b"".join(text.strings).decode(errors="replace") for text in texts)
        return None

    def _enclosing_zone(self, name: dns.name.Name) -> dns.name.Name:
        """The name of the zone that holds the name, as `dns.resolver.zone_for_name` finds it, but without retries.

        Raises LOOKUP_ERRORS.
        """
        while name != dns.name.root:
            answer = self._resolve(name, dns.rdatatype.SOA)
            # After a CNAME, the SOA in the response is that of the target's zone.
            aliased = _records(answer, name, dns.rdatatype.CNAME)
            for rrset in [] if aliased else [*answer.answer, *answer.authority]:
                if rrset.rdtype == dns.rdatatype.SOA and name.is_subdomain(rrset.name):
                    return rrset.name
            name = name.parent()
        raise dns.exception.DNSException

    def _servers(self, zone: dns.name.Name) -> Iterator[str]:
        """The addresses of the zone's servers, resolved lazily."""
        hosts = [record.target for record in _records(self._resolve(zone, dns.rdatatype.NS), zone, dns.rdatatype.NS)]
        for kind in ADDRESS_KINDS:
            for host in hosts:
                try:
                    records = _records(self._resolve(host, kind), host, kind)
                except LOOKUP_ERRORS:
                    continue
                yield from (record.address for record in records if self._point.may_query(record.address))

    def _resolve(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        """The recursive resolver's response. Raises LOOKUP_ERRORS, also for an inconclusive response."""
        answer = self._exchange(self._point.address, dns.message.make_query(name, kind))
        if answer.rcode() not in CONCLUSIVE:
            raise dns.exception.DNSException
        return answer

    def _exchange(self, address: str, query: dns.message.QueryMessage) -> dns.message.Message:
        left = self._deadline - clock.monotonic()
        if left <= 0:
            raise dns.exception.Timeout
        server = nameserver(address, self._point.port)
        return server.query(query, min(EXCHANGE_SECONDS, left), source=None, source_port=0, max_size=True)


def nameserver(address: str, port: int) -> dns.nameserver.Nameserver:
    """A server to query; its `query` uses TCP with `max_size=True`. Tests replace it by the sandbox."""
    return dns.nameserver.Do53Nameserver(address, port)


def _records(answer: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> list[Any]:
    return list(answer.get_rrset(answer.answer, name, dns.rdataclass.IN, kind) or [])
