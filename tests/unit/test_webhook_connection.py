"""Where a webhook may lead, and what a receiver can do to the one who sends."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from kindling.events.addresses import is_public
from kindling.events.connection import ANSWER_BYTES, Unreachable, post
from kindling.platform.settings import settings
from tests.harness.receiver import receiving

PRIVATE = [
    "0.0.0.0",  # noqa: S104
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.2.1",
    "192.168.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2001:0:a00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "2606:4700:4700::1111"]

pytestmark = pytest.mark.usefixtures("socket_enabled")
Resolve = Callable[[str], None]


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LOOPBACK_WEBHOOKS", "allow")
    settings.cache_clear()
    yield
    settings.cache_clear()


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[object]:
    """Let every name have these addresses; the list of the connections that are tried."""
    tried: list[object] = []

    def connect(address: object, *_: object) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    return tried


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does as it likes with one connection; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            taken, _ = server.accept()
            with taken:
                try:
                    speak(taken)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_internet_is_refused_and_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    assert is_public(address) is False
    tried = resolves(monkeypatch, "1.1.1.1", address)
    with pytest.raises(Unreachable, match="private or reserved"):
        post("https://hooks.example.com/", {}, b"", 5)
    assert tried == []


@pytest.mark.parametrize("address", PUBLIC)
def test_what_was_looked_up_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert is_public(address)
    tried = resolves(monkeypatch, address)
    with pytest.raises(Unreachable, match="No connection"):
        post("https://hooks.example.com/", {}, b"", 5)
    # The name is not looked up again, when it might lead elsewhere.
    assert tried == [(address, 443)]


def test_the_local_cloud_reaches_this_machine_and_still_no_other_private_address(
    monkeypatch: pytest.MonkeyPatch, local: None
) -> None:
    tried = resolves(monkeypatch, "127.0.0.1")
    with pytest.raises(Unreachable, match="No connection"):
        post("http://localhost/", {}, b"", 5)
    assert tried == [("127.0.0.1", 80)]
    for address, reason in (("10.0.0.1", "private or reserved"), ("1.1.1.1", "https")):
        resolves(monkeypatch, address)
        with pytest.raises(Unreachable, match=reason):
            post("http://hooks.example.com/", {}, b"", 5)


def test_a_name_without_an_address_is_told() -> None:
    with pytest.raises(Unreachable, match="no address"):
        post("https://nothing.invalid/", {}, b"", 5)


def test_the_host_of_the_url_is_told_and_so_much_of_the_answer_is_read(local: None) -> None:
    with receiving() as receiver:
        answer = post(f"{receiver.url}/a?b=c", {"x-one": "1"}, b"body", 5)
    (request,) = receiver.requests
    assert (request.path, request.body, request.headers["x-one"]) == ("/a?b=c", b"body", "1")
    assert request.headers["host"] == receiver.url.removeprefix("http://")
    assert (answer.status, len(answer.text)) == (200, ANSWER_BYTES)


@pytest.mark.parametrize(
    ("drip", "status"),
    [
        (b"", None),
        (b"H", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\na", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e7\r\n", 200),
    ],
)
def test_a_receiver_that_is_slow_or_sends_a_byte_at_a_time_ends_in_time(
    local: None, drip: bytes, status: int | None
) -> None:
    ended = threading.Event()

    def speak(taken: socket.socket) -> None:
        taken.sendall(drip)
        while drip and not ended.wait(0.05):
            taken.sendall(b"a")
        ended.wait(5)

    with speaking(speak) as url:
        began = time.monotonic()
        if status:
            assert post(url, {}, b"", 0.3).status == status
        else:
            with pytest.raises(Unreachable, match="No answer within"):
                post(url, {}, b"", 0.3)
        ended.set()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("answer", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, b""])
def test_an_answer_that_is_none_is_no_answer(local: None, answer: bytes) -> None:
    with speaking(lambda taken: taken.sendall(answer)) as url, pytest.raises(Unreachable, match="No connection"):
        post(url, {}, b"", 2)


def test_a_certificate_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch, local: None) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ssl.SSLCertVerificationError

    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", refuse)
    with speaking(lambda _: None) as url, pytest.raises(Unreachable, match="certificate"):
        post(url.replace("http:", "https:"), {}, b"", 2)
