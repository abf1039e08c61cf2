"""The server makes deliveries by itself: promptly, concurrently, and again after a restart."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from tests.sandbox.resources import Time, inbox, send, served, webhook

HEADERS = {"Authorization": "Bearer am_us_organisation"}

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Listener(ThreadingHTTPServer):
    """A webhook's side on loopback. It answers `status`, once `open` is set."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"
        self.status = 200
        self.open = threading.Event()
        self.open.set()
        self.heard: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.counting = threading.Lock()


class Answering(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        with self.server.counting:
            self.server.heard.append(self.headers["svix-id"])
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        self.server.open.wait(20)
        with self.server.counting:
            self.server.at_once -= 1
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """There is no access log."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listener
        listener.open.set()
        listener.shutdown()
        thread.join()


@contextmanager
def mail(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with served(sandbox) as url, httpx.Client(base_url=f"{url}/v0", headers=HEADERS) as client:
        yield client


def counts(client: httpx.Client) -> Any:
    return client.get(str(client.base_url.join("/_admin/webhooks"))).json()


def until(client: httpx.Client, **wanted: int) -> None:
    end = monotonic() + 10
    while not wanted.items() <= counts(client).items():
        assert monotonic() < end, counts(client)
        sleep(0.005)


def test_events_are_delivered_promptly(sandbox: Sandbox, listener: Listener) -> None:
    with mail(sandbox) as client:
        webhook(client, url=listener.url)
        address = inbox(client)
        began = monotonic()
        send(client, address, to="ann@else.test").raise_for_status()
        until(client, pending=0, delivered=2)
        assert monotonic() - began < 1
    assert len(set(listener.heard)) == 2


def test_deliveries_are_concurrent_and_block_no_request(sandbox: Sandbox, listener: Listener) -> None:
    listener.open.clear()
    with mail(sandbox) as client:
        webhook(client, url=listener.url, event_types=["message.sent"])
        address = inbox(client)
        for number in range(12):
            send(client, address, to=f"{number}@else.test").raise_for_status()
        assert counts(client) == {"pending": 12, "delivered": 0, "failed": 0}
        end = monotonic() + 10
        while listener.most_at_once < 4 and monotonic() < end:
            sleep(0.005)
        listener.open.set()
        until(client, pending=0, delivered=12)
    assert listener.most_at_once == 4
    assert len(listener.heard) == len(set(listener.heard)) == 12


def test_a_retry_is_sent_as_soon_as_the_clock_has_moved(sandbox: Sandbox, listener: Listener, time: Time) -> None:
    listener.status = 500
    with mail(sandbox) as client:
        webhook(client, url=listener.url, event_types=["message.sent"])
        send(client, inbox(client), to="ann@else.test").raise_for_status()
        end = monotonic() + 10
        while not listener.heard and monotonic() < end:
            sleep(0.005)
        listener.status = 200
        sleep(0.1)
        assert counts(client)["pending"] == 1
        time.advance(seconds=5)
        until(client, pending=0, delivered=1)
    assert len(listener.heard) == 2


def test_a_stop_waits_for_no_slow_receiver_and_the_next_start_retries(listener: Listener, tmp_path: Path) -> None:
    listener.open.clear()
    stopped = Sandbox(tmp_path / "state.json")
    with mail(stopped) as client:
        webhook(client, url=listener.url, event_types=["message.sent"])
        send(client, inbox(client), to="ann@else.test").raise_for_status()
        end = monotonic() + 10
        while not listener.heard and monotonic() < end:
            sleep(0.005)
        began = monotonic()
    assert monotonic() - began < 5
    stopped.save()
    # A process that has stopped writes no more; this one still runs.
    restarted = (tmp_path / "state.json").rename(tmp_path / "restarted.json")
    with mail(Sandbox(restarted)) as client:
        listener.open.set()
        until(client, pending=0, delivered=1)
    assert len(listener.heard) == 2
    assert len(set(listener.heard)) == 1
