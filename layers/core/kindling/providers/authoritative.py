"""TXT records as a zone's own servers hold them, seen from several vantage points.

Every exchange goes over TCP. A UDP answer can be forged from anywhere by whoever guesses a port and a number of 16
bits; into a TCP connection nobody can write who does not stand on its way (RFC 5452, section 9).
"""

import ipaddress
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from kindling.platform import clock
from kindling.providers.model import TxtSurvey

EXCHANGE_SECONDS = 2.0
VANTAGE_POINT_SECONDS = 4.0
SERVERS_TRIED = 4
DNS_PORT = 53
# IPv4 first: not every network reaches IPv6.
ADDRESS_KINDS = (dns.rdatatype.A, dns.rdatatype.AAAA)
CLEAR = (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
# What dnspython raises for silence, a cut or refused connection, and an answer that is none.
TROUBLE = (dns.exception.DNSException, OSError, EOFError)


@dataclass(frozen=True)
class VantagePoint:
    """A recursive resolver; the servers of every zone are asked at the same port as it."""

    address: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "VantagePoint":
        """`address` or `address:port`; an IPv6 address with a port stands in brackets. Raises ProviderMisconfigured."""
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

    def may_ask(self, address: str) -> bool:
        """Whether a server may stand there: no NS record makes this talk to a neighbour of its own."""
        return ipaddress.ip_address(address).is_global or ipaddress.ip_address(self.address).is_loopback


class AuthoritativeResolver:
    """Implements Resolver. Nothing is kept from one look to the next."""

    def __init__(self, vantage_points: tuple[str, ...]) -> None:
        """Raises ProviderMisconfigured for what is no vantage point."""
        self._points = [VantagePoint.parse(text) for text in vantage_points]

    def read_txt(self, name: str) -> TxtSurvey:
        """Look at exactly this name from all vantage points at once, for VANTAGE_POINT_SECONDS at most."""
        with ThreadPoolExecutor(len(self._points)) as pool:
            return TxtSurvey(tuple(pool.map(lambda point: _Look(point).see(name), self._points)))


class _Look:
    """One look from one vantage point."""

    def __init__(self, point: VantagePoint) -> None:
        self._point = point
        self._deadline = clock.monotonic() + VANTAGE_POINT_SECONDS

    def see(self, name: str) -> frozenset[str] | None:
        """The texts at the name; None when nobody gave a clear answer."""
        try:
            return self._texts(dns.name.from_text(name))
        except TROUBLE:
            return None

    def _texts(self, name: dns.name.Name) -> frozenset[str] | None:
        """What the first of the zone's servers says that answers with authority.

        An alias is not followed: whoever owns its target would answer for the name.
        """
        for address in islice(self._servers(self._zone_of(name)), SERVERS_TRIED):
            query = dns.message.make_query(name, dns.rdatatype.TXT, flags=0)
            try:
                answer = self._exchange(address, query)
            except TROUBLE:
                continue
            if answer.flags & dns.flags.AA and answer.rcode() in CLEAR:
                texts = _records(answer, name, dns.rdatatype.TXT)
                return frozenset(b"".join(text.strings).decode(errors="replace") for text in texts)
        return None

    def _zone_of(self, name: dns.name.Name) -> dns.name.Name:
        """The zone that encloses the name, as `dns.resolver.zone_for_name` finds it, without its retries.

        Raises TROUBLE.
        """
        while name != dns.name.root:
            answer = self._ask(name, dns.rdatatype.SOA)
            # What follows an alias is about another name.
            aliased = _records(answer, name, dns.rdatatype.CNAME)
            for found in [] if aliased else [*answer.answer, *answer.authority]:
                if found.rdtype == dns.rdatatype.SOA and name.is_subdomain(found.name):
                    return found.name
            name = name.parent()
        raise dns.exception.DNSException

    def _servers(self, zone: dns.name.Name) -> Iterator[str]:
        """The addresses of the zone's servers, looked up as they are needed."""
        hosts = [found.target for found in _records(self._ask(zone, dns.rdatatype.NS), zone, dns.rdatatype.NS)]
        for kind in ADDRESS_KINDS:
            for host in hosts:
                try:
                    found = _records(self._ask(host, kind), host, kind)
                except TROUBLE:
                    continue
                yield from (record.address for record in found if self._point.may_ask(record.address))

    def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        """The vantage point's own clear answer. Raises TROUBLE."""
        answer = self._exchange(self._point.address, dns.message.make_query(name, kind))
        if answer.rcode() not in CLEAR:
            raise dns.exception.DNSException
        return answer

    def _exchange(self, address: str, query: dns.message.QueryMessage) -> dns.message.Message:
        left = self._deadline - clock.monotonic()
        if left <= 0:
            raise dns.exception.Timeout
        server = nameserver(address, self._point.port)
        return server.query(query, min(EXCHANGE_SECONDS, left), source=None, source_port=0, max_size=True)


def nameserver(address: str, port: int) -> dns.nameserver.Nameserver:
    """The way to a server; asked for `max_size`, it goes over TCP. Tests put the sandbox here."""
    return dns.nameserver.Do53Nameserver(address, port)


def _records(answer: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> list[Any]:
    return list(answer.get_rrset(answer.answer, name, dns.rdataclass.IN, kind) or [])
