"""Name servers with answers given by a test."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.nameserver
import dns.rcode
import dns.rdatatype
import dns.rrset

from kindling.platform import clock

Records = dict[tuple[str, str], list[str]]
Server = Callable[[dns.message.Message], dns.message.Message]


def server(records: Records, *, zone: str = "acme.example", rcode: str = "NXDOMAIN", lame: bool = False) -> Server:
    """A server with these records, as texts; it answers other questions with `rcode`."""

    def answer(query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query)
        if not query.flags & dns.flags.RD and not lame:
            response.flags |= dns.flags.AA
        (question,) = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        for shown in (kind, "CNAME"):
            if (name, shown) in records:
                response.answer.append(dns.rrset.from_text(question.name, 300, "IN", shown, *records[name, shown]))
                return response
        response.set_rcode(dns.rcode.from_text(rcode))
        response.authority.append(dns.rrset.from_text(f"{zone}.", 300, "IN", "SOA", "ns. dns. 1 2 3 4 5"))
        return response

    return answer


@dataclass(frozen=True)
class Exchange:
    """One query to one server."""

    address: str
    port: int
    name: str
    kind: str
    recursive: bool
    over_tcp: bool
    timeout: float


@dataclass
class Internet:
    """Servers by address; other addresses do not answer."""

    servers: dict[str, Server]
    exchanges: list[Exchange] = field(default_factory=list)

    def nameserver(self, address: str, port: int) -> dns.nameserver.Nameserver:
        return _Nameserver(self, address, port)

    def asked(self, kind: str = "TXT") -> list[str]:
        return [exchange.address for exchange in self.exchanges if exchange.kind == kind]


class _Nameserver(dns.nameserver.AddressAndPortNameserver):
    def __init__(self, internet: Internet, address: str, port: int) -> None:
        super().__init__(address, port)
        self._internet = internet

    def query(
        self,
        request: dns.message.QueryMessage,
        timeout: float,
        source: str | None,
        source_port: int,
        max_size: bool,
        *_unused: Any,
        **_options: Any,
    ) -> dns.message.Message:
        (question,) = request.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        recursive = bool(request.flags & dns.flags.RD)
        self._internet.exchanges.append(
            Exchange(self.address, self.port, name, kind, recursive, over_tcp=max_size, timeout=timeout)
        )
        answers = self._internet.servers.get(self.address)
        if answers is None:
            clock.sleep(timeout)
            raise dns.exception.Timeout
        response = answers(dns.message.from_wire(request.to_wire()))
        return dns.message.from_wire(response.to_wire(want_shuffle=False))
