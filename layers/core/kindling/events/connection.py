"""One POST to a URL that somebody else chose: to a checked address, for a bounded time, without redirects.

The address is checked where it is connected to, and not only looked up before: a name may change its address between
the two. Neither proxies nor cookies of ours go along.
"""

import socket
import ssl
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import SplitResult, urlsplit

from kindling.events.addresses import is_loopback, is_public
from kindling.platform import clock
from kindling.platform.settings import settings

# How much of an answer is read.
ANSWER_BYTES = 1024
PORTS = {"https": 443, "http": 80}


class Unreachable(Exception):
    """Nothing was answered; the message is a sentence for the webhook's owner."""


@dataclass(frozen=True)
class Answer:
    """The status of an answer, and the beginning of its body."""

    status: int
    text: str


def post(url: str, headers: dict[str, str], body: bytes, seconds: float) -> Answer:
    """Send `body` and return what is answered within `seconds`. Raises Unreachable."""
    parts = urlsplit(url)
    ends_at = clock.monotonic() + seconds
    connection = _Connection(parts, _address(parts), seconds)
    with closing(connection):
        # Time-outs of sockets are for one read or write; one byte at a time would never end.
        timer = threading.Timer(seconds, connection.cut)
        timer.start()
        try:
            connection.request("POST", _target(parts), body, headers)
            response = connection.getresponse()
            return Answer(response.status, _beginning(response))
        except ssl.SSLCertVerificationError as error:
            raise Unreachable("Its certificate is not valid.") from error
        except (OSError, HTTPException, ValueError) as error:
            late = connection.was_cut or isinstance(error, TimeoutError) or clock.monotonic() >= ends_at
            raise Unreachable(f"No answer within {seconds:.0f} s." if late else "No connection.") from error
        finally:
            timer.cancel()


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a name, as this machine looks them up. Raises OSError."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def _address(parts: SplitResult) -> str:
    """The address to connect to. A name is refused when any of its addresses is."""
    host = parts.hostname or ""
    try:
        found = addresses_of(host, parts.port or PORTS[parts.scheme])
    except (OSError, UnicodeError) as error:
        raise Unreachable("Its name has no address.") from error
    local = settings().loopback_webhooks_allowed
    if not all(is_public(address) or (local and is_loopback(address)) for address in found):
        raise Unreachable("Its name leads to a private or reserved address.")
    if parts.scheme != "https" and not all(map(is_loopback, found)):
        raise Unreachable("It is not reached by https.")
    return found[0]


def _beginning(response: HTTPResponse) -> str:
    """The beginning of an answer's body, or nothing when it breaks off: the status was told before."""
    try:
        return response.read(ANSWER_BYTES).decode(errors="replace")
    except (OSError, HTTPException, ValueError):
        return ""


def _target(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class _Connection(HTTPConnection):
    """A connection to one address, which speaks to the URL's host."""

    def __init__(self, parts: SplitResult, address: str, seconds: float) -> None:
        super().__init__(parts.hostname or "", parts.port or PORTS[parts.scheme], timeout=seconds)
        # What `Host` leaves out, and whose certificate is wanted.
        self.default_port = PORTS[parts.scheme]
        self.was_cut = False
        self._secure = parts.scheme == "https"
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            # The handshake comes after, when `cut` knows the socket that it would end.
            self.sock = _trust().wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self) -> None:
        """End whatever it does; called from another thread."""
        self.was_cut = True
        if self.sock:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
