"""Reading TXT records from a zone's own servers: which are queried, which answers count, and the time limits."""

import threading
from collections.abc import Iterator
from typing import NoReturn

import dns.exception
import dns.flags
import dns.message
import dns.rrset
import pytest

from kindling import providers
from kindling.errors import ProviderMisconfigured
from kindling.platform import clock
from kindling.platform.settings import settings
from kindling.providers import authoritative
from kindling.providers.authoritative import AuthoritativeResolver
from kindling.providers.model import TxtSurvey
from tests.conftest import Clock, World
from tests.unit.internet import Internet, Records, Server, server

NAME = "_kindling.acme.example"
POINTS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
FIRST, SECOND = "1.0.0.1", "1.0.0.2"
TRUTH = server({(NAME, "TXT"): ['"token"']})


def recursive(*addresses: str, **more: list[str]) -> Server:
    """A resolver that knows the zone's servers by these addresses."""
    hosts = [f"ns{number}.host.example" for number in range(len(addresses))]
    records: Records = {("acme.example", "NS"): [f"{host}." for host in hosts]}
    for host, address in zip(hosts, addresses, strict=True):
        records[host, "AAAA" if ":" in address else "A"] = [address]
    return server({**records, **{(NAME, kind): found for kind, found in more.items()}})


def refuses(_query: dns.message.Message) -> NoReturn:
    raise ConnectionRefusedError


def hangs_up(_query: dns.message.Message) -> NoReturn:
    raise EOFError


def talks_nonsense(_query: dns.message.Message) -> NoReturn:
    raise dns.exception.FormError


@pytest.fixture(autouse=True)
def time(steady_clock: Clock) -> Clock:
    return steady_clock


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """One zone on two servers, and three resolvers that know it."""
    zones = {FIRST: TRUTH, SECOND: TRUTH}
    made = Internet({**zones, **dict.fromkeys(POINTS, recursive(FIRST, SECOND))})
    monkeypatch.setattr(authoritative, "nameserver", made.nameserver)
    return made


@pytest.fixture
def three_vantage_points(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DNS_RESOLVERS", "127.0.0.1:8793,127.0.0.1:8794,127.0.0.1:8795")
    for function in (settings, providers.resolver):
        function.cache_clear()
    yield
    for function in (settings, providers.resolver):
        function.cache_clear()


def look(*points: str, name: str = NAME) -> TxtSurvey:
    return AuthoritativeResolver(points or POINTS[:1]).read_txt(name)


@pytest.mark.parametrize(
    ("seen", "missed", "unknown", "verdict"),
    [
        (1, 0, 0, True),
        (0, 1, 0, False),
        (0, 0, 1, None),
        (2, 0, 0, True),
        (1, 1, 0, None),
        (1, 0, 1, None),
        (0, 1, 1, None),
        (0, 2, 0, False),
        (2, 1, 0, True),
        (2, 0, 1, True),
        (1, 2, 0, False),
        (0, 2, 1, False),
        (1, 1, 1, None),
        (1, 0, 2, None),
        (0, 1, 2, None),
        (2, 2, 0, None),
        (2, 0, 2, None),
        (3, 1, 0, True),
        (1, 3, 0, False),
        (3, 2, 0, True),
        (3, 0, 2, True),
        (2, 3, 0, False),
        (0, 3, 2, False),
        (2, 2, 1, None),
        (2, 0, 3, None),
        (0, 2, 3, None),
    ],
)
def test_a_strict_majority_of_all_vantage_points_decides(
    seen: int, missed: int, unknown: int, verdict: bool | None
) -> None:
    views = [frozenset({"other", "token"})] * seen + [frozenset({"other"})] * missed + [None] * unknown
    assert TxtSurvey(tuple(views)).shows("token") is verdict


def test_the_zones_own_server_is_asked_and_no_cache(internet: Internet) -> None:
    internet.servers[POINTS[0]] = recursive(FIRST, TXT=['"old"'])
    assert look() == TxtSurvey((frozenset({"token"}),))
    (asked,) = [exchange for exchange in internet.exchanges if exchange.kind == "TXT"]
    assert (asked.address, asked.name, asked.recursive) == (FIRST, NAME, False)


def test_every_exchange_goes_over_tcp_and_to_port_53(internet: Internet) -> None:
    look()
    assert {exchange.kind for exchange in internet.exchanges} == {"SOA", "NS", "A", "TXT"}
    assert {(exchange.over_tcp, exchange.port) for exchange in internet.exchanges} == {(True, 53)}


def test_a_vantage_point_with_a_port_finds_every_server_at_that_port(internet: Internet) -> None:
    look(f"{POINTS[0]}:5353")
    assert {exchange.port for exchange in internet.exchanges} == {5353}


def test_the_strings_of_a_text_are_joined_and_all_texts_are_seen(internet: Internet) -> None:
    internet.servers[FIRST] = server({(NAME, "TXT"): ['"to" "ken"', '"other"']})
    assert look().views == (frozenset({"token", "other"}),)


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN"])
def test_a_servers_no_is_clear(internet: Internet, rcode: str) -> None:
    internet.servers[FIRST] = server({}, rcode=rcode)
    assert look() == TxtSurvey((frozenset(),))
    assert internet.asked() == [FIRST]


@pytest.mark.parametrize(
    "useless",
    [
        server({}, rcode="SERVFAIL"),
        server({}, rcode="REFUSED"),
        server({(NAME, "TXT"): ['"stale"']}, lame=True),
        server({}, rcode="NOERROR", lame=True),
        refuses,
        hangs_up,
        talks_nonsense,
        None,
    ],
)
def test_a_server_that_does_not_answer_with_authority_is_passed_over(
    internet: Internet, useless: Server | None
) -> None:
    del internet.servers[FIRST]
    if useless:
        internet.servers[FIRST] = useless
    assert look().views == (frozenset({"token"}),)
    internet.servers[SECOND] = server({}, lame=True)
    assert look().views == (None,)


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
def test_a_vantage_point_that_fails_sees_nothing(internet: Internet, rcode: str) -> None:
    internet.servers[POINTS[0]] = server({}, rcode=rcode)
    assert look().views == (None,)
    assert internet.asked() == []


def test_four_servers_are_tried_and_no_fifth(internet: Internet) -> None:
    addresses = [f"1.0.0.{number}" for number in range(10, 16)]
    internet.servers |= dict.fromkeys(addresses, server({}, lame=True))
    internet.servers |= {POINTS[0]: recursive(*addresses), addresses[4]: TRUTH}
    assert look().views == (None,)
    assert internet.asked() == addresses[:4]
    internet.servers[addresses[3]] = TRUTH
    assert look().views == (frozenset({"token"}),)


def test_ipv4_comes_before_ipv6(internet: Internet) -> None:
    far = "2001:4860::1"
    internet.servers |= {POINTS[0]: recursive(far, FIRST), FIRST: server({}, lame=True), far: TRUTH}
    assert look().views == (frozenset({"token"}),)
    assert internet.asked() == [FIRST, far]


def test_an_alias_is_not_followed(internet: Internet) -> None:
    def answers_for_its_target(query: dns.message.Message) -> dns.message.Message:
        response = server({(NAME, "CNAME"): ["elsewhere.example."]})(query)
        response.answer.append(dns.rrset.from_text("elsewhere.example.", 300, "IN", "TXT", '"token"'))
        return response

    internet.servers[FIRST] = answers_for_its_target
    assert look().views == (frozenset(),)


def test_an_alias_does_not_lead_to_another_zone(internet: Internet) -> None:
    def behind_the_alias(query: dns.message.Message) -> dns.message.Message:
        response = recursive(FIRST, CNAME=["gone.example."])(query)
        if response.answer and response.answer[0].rdtype == dns.rdatatype.CNAME:
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.append(dns.rrset.from_text("example.", 300, "IN", "SOA", "ns. dns. 1 2 3 4 5"))
        return response

    internet.servers |= {POINTS[0]: behind_the_alias, FIRST: server({(NAME, "CNAME"): ["gone.example."]})}
    assert look().views == (frozenset(),)


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.0.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"],
)
def test_a_server_that_is_no_public_one_is_not_asked(internet: Internet, address: str) -> None:
    internet.servers |= {address: server({(NAME, "TXT"): ['"inside"']}), POINTS[0]: recursive(address, FIRST)}
    assert look().views == (frozenset({"token"}),)
    assert internet.asked() == [FIRST]


@pytest.mark.parametrize("point", ["127.0.0.1", "127.0.0.1:8793", "::1", "[::1]:8793"])
def test_a_vantage_point_on_loopback_finds_servers_there(internet: Internet, point: str) -> None:
    internet.servers |= dict.fromkeys(("127.0.0.1", "::1"), recursive("127.0.0.2"))
    internet.servers["127.0.0.2"] = TRUTH
    assert look(point).views == (frozenset({"token"}),)


def test_one_resolver_that_lies_does_not_decide(internet: Internet) -> None:
    internet.servers["1.6.6.6"] = server({(NAME, "TXT"): ['"forged"']})
    internet.servers[POINTS[1]] = recursive("1.6.6.6")
    survey = look(*POINTS)
    assert survey.views == (frozenset({"token"}), frozenset({"forged"}), frozenset({"token"}))
    assert (survey.shows("token"), survey.shows("forged")) == (True, False)


def test_a_name_that_cannot_be_is_unknown(internet: Internet) -> None:
    for name in ("a" * 64 + ".example", "a..example", "_kindling." + "a." * 125 + "example"):
        assert look(name=name).views == (None,)
    assert internet.exchanges == []


def test_one_vantage_point_takes_four_seconds_at_most(internet: Internet, time: Clock) -> None:
    internet.servers = {POINTS[0]: recursive(*(f"1.0.0.{number}" for number in range(10, 16)))}
    began = time.monotonic()
    assert look().views == (None,)
    assert time.monotonic() - began == 4.0
    assert [exchange.timeout for exchange in internet.exchanges if exchange.kind == "TXT"] == [2.0, 2.0]


def test_an_exchange_has_what_is_left_of_the_four_seconds(internet: Internet, time: Clock) -> None:
    def slow(query: dns.message.Message) -> dns.message.Message:
        clock.sleep(1.5)
        return recursive(FIRST, SECOND)(query)

    internet.servers = {POINTS[0]: slow, SECOND: TRUTH}
    began = time.monotonic()
    assert look().views == (None,)
    assert time.monotonic() - began <= 4.5
    assert [exchange.timeout for exchange in internet.exchanges] == [2.0, 2.0, 1.0]


def test_the_vantage_points_are_asked_at_the_same_time(internet: Internet) -> None:
    together = threading.Barrier(len(POINTS), timeout=10)

    def waits_for_the_others(query: dns.message.Message) -> dns.message.Message:
        if query.question[0].rdtype == dns.rdatatype.SOA:
            together.wait()
        return recursive(FIRST)(query)

    internet.servers |= dict.fromkeys(POINTS, waits_for_the_others)
    assert look(*POINTS).views == (frozenset({"token"}),) * 3


@pytest.mark.parametrize(
    "text", ["", "resolver.example", "1.1.1", "1.1.1.1:", "1.1.1.1:0", "1.1.1.1:65536", "1.1.1.1:dns", "[::1", "[::1]"]
)
def test_what_is_no_vantage_point_is_our_own_mistake(text: str) -> None:
    with pytest.raises(ProviderMisconfigured, match="DNS_RESOLVERS names"):
        AuthoritativeResolver(("1.1.1.1", text))


def test_a_port_may_be_the_last_there_is(internet: Internet) -> None:
    look(f"{POINTS[0]}:65535")
    assert {exchange.port for exchange in internet.exchanges} == {65535}


def test_the_environment_names_the_vantage_points(world: World, three_vantage_points: None) -> None:
    world.set(dns_txt={NAME: ["token"]})
    for _ in range(2):
        assert providers.resolver().read_txt(NAME).views == (frozenset({"token"}),) * 3


def test_a_negative_answer_in_a_cache_is_not_seen(world: World) -> None:
    world.set(dns_txt={NAME: ["token"]}, dns_stale_txt={NAME: []})
    assert look("127.0.0.1:8793").shows("token") is True


def test_a_forged_answer_to_one_of_three_does_not_decide(world: World) -> None:
    world.fault("dns", "TXT", f"/{NAME}", "forge", message="token", calls=[1])
    survey = look(*(f"127.0.0.1:{port}" for port in (8793, 8794, 8795)))
    assert survey.shows("token") is False
    assert sorted(len(view or ()) for view in survey.views) == [0, 0, 1]


@pytest.mark.parametrize("fault", ["refuse", "timeout_after", "drop_answer"])
def test_dns_that_fails_is_unknown_and_never_a_no(world: World, fault: str) -> None:
    world.fault("dns", "TXT", f"/{NAME}", fault)
    assert look("127.0.0.1:8793").views == (None,)
