"""DNS: responses of authoritative servers and of a resolver, with faults and delays."""

import socket
import time as real_time
from collections.abc import Callable, Iterator
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver
import httpx
import pytest

from local.sandbox import Sandbox
from local.sandbox.nameserver.server import NameServer
from tests.sandbox.resources import Time, publish, zone_id

Ask = Callable[..., dns.message.Message]

RECORDS: list[dict[str, Any]] = [
    {"type": "TXT", "name": "acme.example", "value": "v=spf1 -all"},
    {"type": "TXT", "name": "acme.example", "value": "y" * 300},
    {"type": "MX", "name": "acme.example", "value": "inbound.smtp.agentmail.to", "priority": 10},
    {"type": "MX", "name": "*.acme.example", "value": "wild.acme.example", "priority": 5},
    {"type": "A", "name": "www.acme.example", "value": "192.0.2.1"},
    {"type": "AAAA", "name": "www.acme.example", "value": "2001:db8::1"},
    {"type": "NS", "name": "sub.acme.example", "value": "ns1.elsewhere.example"},
    {"type": "CNAME", "name": "link.acme.example", "value": "www.acme.example"},
    {"type": "CNAME", "name": "far.acme.example", "value": "nowhere.other.example"},
    {"type": "CNAME", "name": "ping.acme.example", "value": "pong.acme.example"},
    {"type": "CNAME", "name": "pong.acme.example", "value": "ping.acme.example"},
    {"type": "TXT", "name": "a.b.deep.acme.example", "value": "deep"},
]
CLOUDFLARE = {"ada.ns.cloudflare.com.", "hugo.ns.cloudflare.com."}
NAME = "_kindling.acme.example"


@pytest.fixture
def ask(sandbox: Sandbox) -> Ask:
    def ask(name: str, kind: str, *, timeout: float = 2.0, **options: Any) -> dns.message.Message:
        return sandbox.resolve(dns.message.make_query(name, kind, **options), timeout)

    return ask


@pytest.fixture
def zone(cloudflare: httpx.Client) -> None:
    publish(cloudflare, RECORDS)


@pytest.fixture
def served(sandbox: Sandbox, socket_enabled: None) -> Iterator[int]:
    """The port at which a server on loopback answers."""
    with NameServer(sandbox, 0) as server:
        yield server.port


def values(response: dns.message.Message) -> set[str]:
    return {record.to_text() for rrset in response.answer for record in rrset}


def rcode(response: dns.message.Message) -> str:
    return dns.rcode.to_text(response.rcode())


def post_fault(admin: httpx.Client, fault: str, kind: str = "TXT", path: str = f"/{NAME}", **details: Any) -> None:
    body = {"provider": "dns", "method": kind, "path": path, "fault": fault, **details}
    admin.post("/faults", json=body).raise_for_status()


@pytest.mark.parametrize(
    ("name", "kind", "found"),
    [
        ("acme.example", "TXT", {'"v=spf1 -all"', f'"{"y" * 255}" "{"y" * 45}"'}),
        ("ACME.Example", "MX", {"10 inbound.smtp.agentmail.to."}),
        ("www.acme.example", "A", {"192.0.2.1"}),
        ("www.acme.example", "AAAA", {"2001:db8::1"}),
        ("sub.acme.example", "NS", {"ns1.elsewhere.example."}),
        ("link.acme.example", "CNAME", {"www.acme.example."}),
        ("acme.example", "NS", CLOUDFLARE),
        ("never-seen.example", "NS", CLOUDFLARE),
        ("external-acme.example", "NS", {"ns1.external-host.example.", "ns2.external-host.example."}),
        ("ada.ns.cloudflare.com", "A", {"127.0.0.1"}),
        ("ns2.external-host.example", "A", {"127.0.0.1"}),
        ("any.acme.example", "MX", {"5 wild.acme.example."}),
        ("any.thing.acme.example", "MX", {"5 wild.acme.example."}),
    ],
)
@pytest.mark.parametrize("flags", [0, dns.flags.RD])
def test_every_type_is_answered(zone: None, ask: Ask, flags: int, name: str, kind: str, found: set[str]) -> None:
    response = ask(name, kind, flags=flags)
    assert (rcode(response), values(response)) == ("NOERROR", found)
    assert response.answer[0].name.to_text() == f"{name}."


def test_the_apex_of_a_zone_has_its_soa(ask: Ask) -> None:
    (soa,) = values(ask("acme.example", "SOA"))
    assert soa.startswith("ada.ns.cloudflare.com. ")
    (soa,) = values(ask("external-acme.example", "SOA"))
    assert soa.startswith("ns1.external-host.example. ")


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("acme.example", "A", "NOERROR"),
        ("www.acme.example", "TXT", "NOERROR"),
        ("www.acme.example", "MX", "NOERROR"),
        ("deep.acme.example", "TXT", "NOERROR"),
        ("b.deep.acme.example", "MX", "NOERROR"),
        ("c.deep.acme.example", "MX", "NXDOMAIN"),
        ("any.acme.example", "TXT", "NOERROR"),
        ("_kindling.other.example", "TXT", "NXDOMAIN"),
        ("mail.external-acme.example", "MX", "NXDOMAIN"),
        ("ada.ns.cloudflare.com", "AAAA", "NOERROR"),
        ("eve.ns.cloudflare.com", "A", "NXDOMAIN"),
    ],
)
@pytest.mark.parametrize("flags", [0, dns.flags.RD])
def test_a_negative_response_has_the_soa_of_the_zone(
    zone: None, ask: Ask, flags: int, name: str, kind: str, code: str
) -> None:
    response = ask(name, kind, flags=flags)
    assert (rcode(response), response.answer) == (code, [])
    (authority,) = response.authority
    assert authority.rdtype == dns.rdatatype.SOA
    assert authority.name.to_text() == ".".join(name.split(".")[-2:]) + "."


def test_only_the_zones_server_responds_with_authority(zone: None, ask: Ask) -> None:
    own, resolver = ask("acme.example", "MX", flags=0), ask("acme.example", "MX")
    assert own.flags & (dns.flags.AA | dns.flags.RA) == dns.flags.AA
    assert resolver.flags & (dns.flags.AA | dns.flags.RA) == dns.flags.RA


def test_only_a_resolver_follows_an_alias(zone: None, ask: Ask) -> None:
    assert values(ask("link.acme.example", "A", flags=0)) == {"www.acme.example."}
    assert values(ask("link.acme.example", "A")) == {"www.acme.example.", "192.0.2.1"}
    far = ask("far.acme.example", "TXT")
    assert (rcode(far), values(far)) == ("NXDOMAIN", {"nowhere.other.example."})
    assert far.authority[0].name.to_text() == "other.example."
    assert rcode(ask("ping.acme.example", "A")) == "SERVFAIL"


def test_txt_records_may_be_set_outside_of_cloudflare(admin: httpx.Client, zone: None, ask: Ask) -> None:
    names = {"_kindling.external-acme.example": ["one", "two"], "acme.example": ["more"], NAME: []}
    admin.post("/settings", json={"dns_txt": names}).raise_for_status()
    assert values(ask("_kindling.external-acme.example", "TXT")) == {'"one"', '"two"'}
    assert values(ask("_KINDLING.external-acme.example", "TXT", flags=0)) == {'"one"', '"two"'}
    assert values(ask("acme.example", "TXT")) >= {'"more"', '"v=spf1 -all"'}
    assert rcode(ask("external-acme.example", "TXT")) == "NOERROR"
    assert rcode(ask(NAME, "TXT")) == "NOERROR"
    admin.post("/settings", json={"dns_txt": {"_kindling.external-acme.example": None}}).raise_for_status()
    assert rcode(ask("_kindling.external-acme.example", "TXT")) == "NXDOMAIN"


def test_a_record_becomes_visible_after_a_while(
    admin: httpx.Client, cloudflare: httpx.Client, time: Time, ask: Ask
) -> None:
    admin.post("/settings", json={"dns_visible_seconds": 60}).raise_for_status()
    publish(cloudflare, [{"type": "TXT", "name": NAME, "value": "token"}])
    time.advance(seconds=59)
    assert rcode(ask(NAME, "TXT", flags=0)) == "NXDOMAIN"
    time.advance(seconds=1)
    assert values(ask(NAME, "TXT", flags=0)) == {'"token"'}
    path = f"/zones/{zone_id(cloudflare)}/dns_records"
    (record,) = cloudflare.get(path).json()["result"]
    cloudflare.patch(f"{path}/{record['id']}", json={"content": '"other"'}).raise_for_status()
    assert rcode(ask(NAME, "TXT", flags=0)) == "NXDOMAIN"
    cloudflare.delete(f"{path}/{record['id']}").raise_for_status()
    time.advance(seconds=60)
    assert rcode(ask(NAME, "TXT", flags=0)) == "NXDOMAIN"


def test_a_resolver_may_have_stale_records_in_its_cache(admin: httpx.Client, ask: Ask) -> None:
    stale = {NAME: ["old"], "_kindling.other.example": []}
    texts = {NAME: ["new"], "_kindling.other.example": ["new"]}
    admin.post("/settings", json={"dns_txt": texts, "dns_stale_txt": stale}).raise_for_status()
    assert values(ask(NAME, "TXT")) == {'"old"'}
    assert values(ask(NAME, "TXT", flags=0)) == {'"new"'}
    cached = ask("_kindling.other.example", "TXT")
    assert (cached.answer, cached.authority[0].rdtype) == ([], dns.rdatatype.SOA)
    assert values(ask("_kindling.other.example", "TXT", flags=0)) == {'"new"'}


@pytest.mark.parametrize("setting", ["dns_txt", "dns_stale_txt"])
@pytest.mark.parametrize("name", ["example", "a..example", "a b.example", "acme.example.", "x" * 64 + ".example"])
def test_an_invalid_name_is_refused(admin: httpx.Client, setting: str, name: str) -> None:
    answer = admin.post("/settings", json={setting: {name: ["text"]}})
    assert answer.status_code == 400
    assert setting in answer.json()["message"]


def test_a_fault_applies_to_its_name_and_type_only(admin: httpx.Client, ask: Ask) -> None:
    post_fault(admin, "refuse")
    assert rcode(ask(NAME, "TXT")) == rcode(ask("_Kindling.acme.example", "TXT", flags=0)) == "SERVFAIL"
    assert rcode(ask(NAME, "A")) == rcode(ask("_kindling.other.example", "TXT")) == "NXDOMAIN"
    post_fault(admin, "refuse", "SOA", "/_kindling.*", calls=[2])
    codes = [rcode(ask("_kindling.other.example", "SOA")) for _ in range(3)]
    assert codes == ["NXDOMAIN", "SERVFAIL", "NXDOMAIN"]


def test_a_lost_response_raises_the_exception_of_dnspython(admin: httpx.Client, ask: Ask) -> None:
    post_fault(admin, "timeout_after", calls=[1])
    post_fault(admin, "drop_answer", calls=[2])
    with pytest.raises(dns.exception.Timeout):
        ask(NAME, "TXT")
    with pytest.raises(EOFError):
        ask(NAME, "TXT")
    assert rcode(ask(NAME, "TXT")) == "NXDOMAIN"


def test_a_delay_longer_than_the_timeout_raises(admin: httpx.Client, ask: Ask) -> None:
    post_fault(admin, "delay", seconds=2)
    assert rcode(ask(NAME, "TXT", timeout=2)) == "NXDOMAIN"
    with pytest.raises(dns.exception.Timeout):
        ask(NAME, "TXT", timeout=1.9)


def test_an_answer_can_be_forged(admin: httpx.Client, ask: Ask) -> None:
    admin.post("/settings", json={"dns_txt": {NAME: ["truth"]}}).raise_for_status()
    post_fault(admin, "forge", message="lie", calls=[1])
    forged = ask(NAME, "TXT", flags=0)
    assert (values(forged), bool(forged.flags & dns.flags.AA)) == ({'"lie"'}, True)
    assert values(ask(NAME, "TXT", flags=0)) == {'"truth"'}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "GET"}, "GET is no method of dns"),
        ({"provider": "agentmail", "path": "/v0/inboxes"}, "TXT is no method of agentmail"),
        ({"provider": "agentmail", "method": "GET", "path": "/v0/inboxes"}, "only an answer of dns is forged"),
        ({"method": "SRV"}, "method: "),
        ({"path": NAME}, "the path of a fault for dns begins with /"),
        ({"path": "/_Kindling.acme.example"}, "lower-case"),
        ({"message": None}, "a fault `forge` needs the method TXT and a message"),
        ({"method": "MX"}, "a fault `forge` needs the method TXT and a message"),
        ({"fault": "delay"}, "a fault `delay` needs seconds"),
        ({"fault": "rate_limit"}, "dns knows no rate limit, status or code"),
        ({"status": 500}, "dns knows no rate limit, status or code"),
        ({"code": "servfail"}, "dns knows no rate limit, status or code"),
    ],
)
def test_an_invalid_fault_is_refused(admin: httpx.Client, change: dict[str, Any], sentence: str) -> None:
    fault = {"provider": "dns", "method": "TXT", "path": f"/{NAME}", "fault": "forge", "message": "lie", **change}
    answer = admin.post("/faults", json=fault)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_real_client_resolves_over_real_sockets(zone: None, served: int, over_tcp: bool) -> None:
    client = dns.resolver.Resolver(configure=False)
    client.nameservers, client.port = ["127.0.0.1"], served

    def found(name: str, kind: str) -> set[str]:
        return {record.to_text() for record in client.resolve(name, kind, tcp=over_tcp)}

    assert found("acme.example", "NS") == CLOUDFLARE
    assert found("acme.example", "MX") == {"10 inbound.smtp.agentmail.to."}
    assert found("link.acme.example", "A") == {"192.0.2.1"}
    assert len(found("acme.example", "TXT")) == 2
    with pytest.raises(dns.resolver.NXDOMAIN):
        found("_kindling.other.example", "TXT")
    with pytest.raises(dns.resolver.NoAnswer):
        found("www.acme.example", "TXT")
    zone_name = dns.resolver.zone_for_name("a.b.deep.acme.example", tcp=over_tcp, resolver=client)
    assert zone_name.to_text() == "acme.example."


def test_a_response_too_large_for_udp_is_sent_over_tcp(admin: httpx.Client, served: int) -> None:
    admin.post("/settings", json={"dns_txt": {NAME: [letter * 250 for letter in "abcd"]}}).raise_for_status()
    query = dns.message.make_query(NAME, "TXT")
    assert dns.query.udp(query, "127.0.0.1", 5, served).flags & dns.flags.TC
    whole, over_tcp = dns.query.udp_with_fallback(query, "127.0.0.1", 5, served)
    assert (len(values(whole)), over_tcp) == (4, True)
    query.use_edns(payload=4096)
    assert len(values(dns.query.udp(query, "127.0.0.1", 5, served))) == 4


def test_a_connection_serves_many_queries(served: int) -> None:
    with socket.create_connection(("127.0.0.1", served)) as connection:
        connection.setblocking(False)
        for name in ("acme.example", "other.example"):
            query = dns.message.make_query(name, "NS")
            assert len(dns.query.tcp(query, "127.0.0.1", 5, sock=connection).answer) == 1


def test_faults_apply_over_sockets(admin: httpx.Client, served: int) -> None:
    query = dns.message.make_query(NAME, "TXT")
    post_fault(admin, "timeout_after")
    for send in (dns.query.udp, dns.query.tcp):
        with pytest.raises(dns.exception.Timeout):
            send(query, "127.0.0.1", 0.2, served)
    admin.delete("/faults").raise_for_status()
    post_fault(admin, "drop_answer")
    with pytest.raises(EOFError):
        dns.query.tcp(query, "127.0.0.1", 5, served)
    with pytest.raises(dns.exception.Timeout):
        dns.query.udp(query, "127.0.0.1", 0.2, served)
    admin.delete("/faults").raise_for_status()
    post_fault(admin, "delay", seconds=0.2)
    for send in (dns.query.udp, dns.query.tcp):
        began = real_time.monotonic()
        assert rcode(send(query, "127.0.0.1", 5, served)) == "NXDOMAIN"
        assert real_time.monotonic() - began >= 0.2


def test_an_invalid_query_gets_no_response_and_does_no_harm(served: int) -> None:
    notify = dns.message.make_query("acme.example", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    answered = dns.message.make_response(dns.message.make_query("acme.example", "SOA"))
    messages = (notify, answered, dns.message.Message())
    for wire in (b"", b"\0", b"nonsense" * 3, *(message.to_wire() for message in messages)):
        with socket.create_connection(("127.0.0.1", served), timeout=5) as connection:
            connection.sendall(len(wire).to_bytes(2) + wire)
            assert connection.recv(1) == b""
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(wire, ("127.0.0.1", served))
    assert dns.query.udp(dns.message.make_query("acme.example", "NS"), "127.0.0.1", 5, served).answer
