"""Serves the sandbox's DNS on loopback, over UDP and TCP on one port."""

import contextlib
import socketserver
import threading
from types import TracebackType

import dns.exception
import dns.flags
import dns.message
import dns.opcode

from kindling.platform import clock
from local.sandbox.sandbox import Sandbox

HOST = "127.0.0.1"
SILENCE_SECONDS = 60
# The maximum size of a UDP response in bytes, unless the query has another (RFC 1035).
UDP_BYTES = 512


class UdpServer(socketserver.ThreadingUDPServer):
    """Answers a UDP query."""

    daemon_threads = True
    sandbox: Sandbox


class TcpServer(socketserver.ThreadingTCPServer):
    """Answers the queries of a TCP connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    sandbox: Sandbox


class UdpHandler(socketserver.BaseRequestHandler):
    server: UdpServer

    def handle(self) -> None:
        wire, sender = self.request
        query = _read(wire)
        if query is None:
            return
        outcome = self.server.sandbox.dns_outcome(query)
        if outcome.silent or outcome.cut:
            return
        clock.sleep(outcome.delay_seconds)
        size = max(query.payload, UDP_BYTES)
        sender.sendto(outcome.response.to_wire(max_size=size, prefer_truncation=True), self.client_address)


class TcpHandler(socketserver.StreamRequestHandler):
    timeout = SILENCE_SECONDS
    server: TcpServer

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self._answer_one():
                pass

    def _answer_one(self) -> bool:
        """Whether the connection stays open."""
        query = _read(self.rfile.read(int.from_bytes(self.rfile.read(2))))
        if query is None:
            return False
        outcome = self.server.sandbox.dns_outcome(query)
        if outcome.cut:
            return False
        if outcome.silent:
            self.rfile.read(1)
            return False
        clock.sleep(outcome.delay_seconds)
        self.wfile.write(outcome.response.to_wire(prepend_length=True))
        return True


class NameServer:
    """Serves the sandbox's DNS during the block."""

    def __init__(self, sandbox: Sandbox, port: int) -> None:
        """Bind `port`; 0 selects a free one. Raises OSError."""
        self._tcp = TcpServer((HOST, port), TcpHandler)
        self.port: int = self._tcp.server_address[1]
        try:
            self._udp = UdpServer((HOST, self.port), UdpHandler)
        except OSError:
            self._tcp.server_close()
            raise
        self._tcp.sandbox = self._udp.sandbox = sandbox
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
            for server in (self._tcp, self._udp)
        ]

    def __enter__(self) -> "NameServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._tcp, self._udp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()


def _read(wire: bytes) -> dns.message.QueryMessage | None:
    """Parse a query with one question; None for anything else, which gets no response."""
    try:
        message = dns.message.from_wire(wire)
    except dns.exception.DNSException:
        return None
    asks = message.opcode() == dns.opcode.QUERY and not message.flags & dns.flags.QR and len(message.question) == 1
    return message if asks and isinstance(message, dns.message.QueryMessage) else None
