"""The responses to queries: of a recursive resolver if recursion is desired, otherwise of an authoritative server."""

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from local.sandbox.nameserver.zone import NEGATIVE_TTL_SECONDS, TTL_SECONDS, Kind, Zone, text_record
from local.sandbox.world import World

LONGEST_CHAIN = 8


def asked(query: dns.message.Message) -> tuple[str, str]:
    """The type and the name of a query; the name in lower case without trailing dot."""
    (question,) = query.question
    return Kind.to_text(question.rdtype), question.name.canonicalize().to_text(omit_final_dot=True)


def answer(world: World, query: dns.message.Message) -> dns.message.Message:
    """The response from the zone, or from the resolver's cache."""
    response = _response(query)
    (question,) = query.question
    if _is_recursive(query) and question.rdtype == Kind.TXT:
        cached = world.settings.dns_stale_txt.get(asked(query)[1])
        if cached is not None:
            return _with_texts(response, Zone(world, question.name), question.name, cached)
    return _follow(world, response, question.name, question.rdtype)


def failure(query: dns.message.Message) -> dns.message.Message:
    """A SERVFAIL response."""
    response = _response(query)
    response.set_rcode(dns.rcode.SERVFAIL)
    return response


def forged(world: World, query: dns.message.Message, text: str) -> dns.message.Message:
    """A response with this text, regardless of the zone."""
    (question,) = query.question
    return _with_texts(_response(query), Zone(world, question.name), question.name, [text])


def _response(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA if _is_recursive(query) else dns.flags.AA
    return response


def _is_recursive(query: dns.message.Message) -> bool:
    return bool(query.flags & dns.flags.RD)


def _follow(
    world: World, response: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> dns.message.Message:
    """Add the records of a name; a resolver also follows a CNAME."""
    for _ in range(LONGEST_CHAIN):
        zone = Zone(world, name)
        found = zone.find(name, kind) or zone.find(name, Kind.CNAME)
        if found is None:
            return _negative(response, zone, name)
        response.answer.append(found)
        if found.rdtype == kind or not _is_recursive(response):
            return response
        name = found[0].target
    response.set_rcode(dns.rcode.SERVFAIL)
    return response


def _negative(response: dns.message.Message, zone: Zone, name: dns.name.Name) -> dns.message.Message:
    """NODATA when the name has other records, NXDOMAIN when it does not exist (RFC 2308)."""
    if not zone.knows(name):
        response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(dns.rrset.from_rdata_list(zone.name, NEGATIVE_TTL_SECONDS, list(zone.soa)))
    return response


def _with_texts(
    response: dns.message.Message, zone: Zone, name: dns.name.Name, texts: list[str]
) -> dns.message.Message:
    if not texts:
        return _negative(response, zone, name)
    response.answer.append(dns.rrset.from_rdata_list(name, TTL_SECONDS, [text_record(text) for text in texts]))
    return response
