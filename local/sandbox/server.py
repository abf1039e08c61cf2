"""Serves the sandbox on loopback: `python -m local.sandbox.server --port N --dns-port N --state FILE`."""

import argparse
import contextlib
import ipaddress
import signal
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

import httpx

from kindling.platform import clock
from local.sandbox.delivery_workers import DeliveryWorkers
from local.sandbox.nameserver.server import NameServer
from local.sandbox.sandbox import Sandbox

SILENCE_SECONDS = 60


class Handler(BaseHTTPRequestHandler):
    """A persistent connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: "SandboxServer"

    def answer(self) -> None:
        try:
            request = httpx.Request(
                self.command,
                f"http://127.0.0.1{self.path}",
                headers=self.headers.items(),
                content=self._body(),
            )
        except (httpx.InvalidURL, ValueError) as error:
            self.send_error(400, str(error))
            self.close_connection = True
            return
        outcome = self.server.sandbox.outcome(request)
        if outcome.silent:
            self._stay_silent()
        elif outcome.cut:
            self._cut()
        else:
            clock.sleep(outcome.delay_seconds)
            self._send(outcome.response)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Disable the access log."""

    def _body(self) -> bytes:
        if "transfer-encoding" in self.headers:
            raise ValueError("The sandbox needs a Content-Length.")
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _send(self, response: httpx.Response) -> None:
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name not in ("content-length", "connection", "date", "server"):
                self.send_header(name, value)
        if response.status_code != 204:
            self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    def _stay_silent(self) -> None:
        """Keep the connection open until the client closes it, for SILENCE_SECONDS at most."""
        self.close_connection = True
        self.connection.settimeout(SILENCE_SECONDS)
        with contextlib.suppress(OSError):
            self.connection.recv(1)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


class SandboxServer(ThreadingHTTPServer):
    """A threaded server on loopback, which also makes the webhook deliveries while it serves."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, sandbox: Sandbox, port: int, host: str = "127.0.0.1") -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"The sandbox serves loopback only, not {host}.")
        self.sandbox = sandbox
        super().__init__((host, port), Handler)

    def server_bind(self) -> None:
        """Bind without the reverse DNS lookup of `HTTPServer.server_bind`."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        with DeliveryWorkers(self.sandbox):
            super().serve_forever(poll_interval)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C, then save the state."""
    parser = argparse.ArgumentParser(prog="local.sandbox.server", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--dns-port", type=int, required=True, help="port of its DNS; 0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="JSON file that the world is kept in")
    options = parser.parse_args(arguments)
    try:
        sandbox = Sandbox(options.state)
    except ValueError:
        print(
            f"The sandbox cannot read its state file {options.state}; delete it to start with an empty world.",
            file=sys.stderr,
        )
        return 1
    port = options.port
    try:
        server = SandboxServer(sandbox, port)
        port = options.dns_port
        names = NameServer(sandbox, port)
    except OSError as error:
        print(f"The sandbox cannot serve on port {port}: {error.strerror}.", file=sys.stderr)
        return 1

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"The sandbox serves on http://127.0.0.1:{server.server_port}", flush=True)
    print(f"Its DNS answers on 127.0.0.1:{names.port}", flush=True)
    with server, names:
        server.serve_forever(poll_interval=0.1)
    sandbox.save()
    return 0


if __name__ == "__main__":
    sys.exit(main())
