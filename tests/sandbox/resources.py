"""Resources that the tests of the sandbox create, a webhook's receiver, and the sandbox's clock."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from local.sandbox import Sandbox
from local.sandbox.server import SandboxServer


class Time:
    """The sandbox's clock."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 10, tzinfo=UTC)

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        self.now += timedelta(days=days, seconds=seconds)


def zone_id(cloudflare: httpx.Client, name: str = "acme.example") -> str:
    zones = cloudflare.get("/zones", params={"name": name}).json()["result"]
    return str(zones[0]["id"])


def as_posts(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Convert the records that AgentMail requires to Cloudflare's format."""
    return [
        {
            "type": record["type"],
            "name": record["name"],
            "content": f'"{record["value"]}"' if record["type"] == "TXT" else record["value"],
            **({"priority": record["priority"]} if "priority" in record else {}),
        }
        for record in records
    ]


def publish(cloudflare: httpx.Client, records: list[dict[str, Any]], zone: str = "acme.example") -> None:
    path = f"/zones/{zone_id(cloudflare, zone)}/dns_records/batch"
    cloudflare.post(path, json={"posts": as_posts(records)}).raise_for_status()


def verified_domain(
    admin: httpx.Client, agentmail: httpx.Client, cloudflare: httpx.Client, name: str = "acme.example"
) -> dict[str, Any]:
    """Create a domain that is verified immediately."""
    admin.post("/settings", json={"settle_seconds": 0}).raise_for_status()
    domain = agentmail.post("/domains", json={"domain": name}).raise_for_status().json()
    publish(cloudflare, domain["records"], name)
    agentmail.post(f"/domains/{name}/verify").raise_for_status()
    shown: dict[str, Any] = agentmail.get(f"/domains/{name}").json()
    assert shown["status"] == "VERIFIED"
    return shown


def inbox(agentmail: httpx.Client, **body: Any) -> str:
    """Create an inbox and return its address."""
    return str(agentmail.post("/inboxes", json=body).raise_for_status().json()["inbox_id"])


def mailbox_key(agentmail: httpx.Client, address: str) -> str:
    """Create an API key for one inbox and return it."""
    answer = agentmail.post(f"/inboxes/{address}/api-keys", json={"name": "warmup"}).raise_for_status()
    return str(answer.json()["api_key"])


def login_body(address: str, key: str, **changes: Any) -> dict[str, Any]:
    """The request with which Instantly adds an AgentMail inbox."""
    body: dict[str, Any] = {"email": address, "first_name": "Kim", "last_name": "Lee", "provider_code": 1}
    for protocol, port in (("imap", 993), ("smtp", 465)):
        body |= {
            f"{protocol}_username": address,
            f"{protocol}_password": key,
            f"{protocol}_host": f"{protocol}.agentmail.to",
            f"{protocol}_port": port,
        }
    return body | changes


def warm_account(agentmail: httpx.Client, instantly: httpx.Client, username: str = "kim") -> str:
    """Create an inbox and its account at Instantly, and return the address."""
    address = inbox(agentmail, username=username)
    body = login_body(address, mailbox_key(agentmail, address))
    instantly.post("/accounts", json=body).raise_for_status()
    return address


class Receiver:
    """The receiver of a webhook: records every request and responds with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status)

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]

    @property
    def kinds(self) -> list[str]:
        return [event["event_type"] for event in self.events]


OUTCOMES = ("delivered", "bounced", "complained", "rejected", "opened", "clicked")
MESSAGE_EVENTS = ["message.sent", *(f"message.{outcome}" for outcome in OUTCOMES)]


def webhook(agentmail: httpx.Client, **body: Any) -> dict[str, Any]:
    """Create a webhook, by default for all events."""
    request = {"url": "http://hook.test/agentmail", "event_types": [*MESSAGE_EVENTS, "domain.verified"], **body}
    created: dict[str, Any] = agentmail.post("/webhooks", json=request).raise_for_status().json()
    return created


def send(agentmail: httpx.Client, address: str, key: str | None = None, **body: Any) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return agentmail.post(f"/inboxes/{address}/messages/send", json=body, headers=headers)


@contextmanager
def served(sandbox: Sandbox) -> Iterator[str]:
    """Serve the sandbox on loopback in this process; yields its URL."""
    with SandboxServer(sandbox, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
