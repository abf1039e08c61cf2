"""Domains, which are verified by their records in the sandbox's DNS."""

import base64
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

import httpx

from kindling.platform import clock
from local.sandbox.agentmail import deliveries
from local.sandbox.agentmail.errors import body_of, invalid, not_found, refused
from local.sandbox.agentmail.paging import page
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Domain, World
from local.sandbox.zones import quoted, records_at, text_of, zone_name_of

POD_ID = "0f4c1c1e-52a7-4c35-9d4f-6a1f6f0c7b11"
FLAGS = ("feedback_enabled", "inbound_enabled", "subdomains_enabled", "tracking_enabled")
INBOUND_HOST = "inbound-smtp.us-east-1.amazonaws.com"
FEEDBACK_HOST = "feedback-smtp.us-east-1.amazonses.com"
TRACKING_HOST = "track.agentmail.to"

_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_KEY_HEAD = bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")

routes = Routes("/v0")


class Flags(Strict):
    feedback_enabled: bool | None = None
    inbound_enabled: bool | None = None
    subdomains_enabled: bool | None = None
    tracking_enabled: bool | None = None

    def given(self) -> dict[str, bool]:
        return {name: value for name in FLAGS if (value := getattr(self, name)) is not None}


class CreateDomain(Flags):
    domain: str
    allow_conflicting_provider: bool | None = None


@routes.on("POST", "/domains")
def create_domain(world: World, call: Call) -> httpx.Response:
    body = body_of(call, CreateDomain)
    name = body.domain.lower()
    if not _NAME.fullmatch(name):
        raise invalid(["domain"], "Invalid domain", "invalid_format")
    if name in world.domains:
        raise refused(403, "already_exists", "Domain already exists")
    if name in world.settings.taken_domains:
        raise refused(403, "resource_taken", "Domain is taken")
    if body.inbound_enabled is not False and not body.allow_conflicting_provider and _is_google(world, name):
        raise refused(422, "unprocessable", "The domain already receives its mail at Google Workspace")
    now = clock.timestamp()
    domain = Domain(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        domain=name,
        dkim=_dkim_key(),
        **body.given(),
    )
    world.domains[name] = domain
    observe(world, domain)
    return httpx.Response(200, json=shown(world, domain))


@routes.on("GET", "/domains")
def list_domains(world: World, call: Call) -> httpx.Response:
    return page(call, "domains", world.domains.values(), _item)


@routes.on("GET", "/domains/{domain_id}")
def get_domain(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json=shown(world, _domain(world, call)))


@routes.on("PATCH", "/domains/{domain_id}")
def update_domain(world: World, call: Call) -> httpx.Response:
    domain = _domain(world, call)
    changes = body_of(call, Flags).given()
    if not changes:
        raise invalid([], "At least one field must be provided")
    for name, value in changes.items():
        setattr(domain, name, value)
    domain.updated_at = clock.timestamp()
    observe(world, domain)
    return httpx.Response(200, json=shown(world, domain))


@routes.on("DELETE", "/domains/{domain_id}")
def delete_domain(world: World, call: Call) -> httpx.Response:
    domain = _domain(world, call)
    inboxes = [inbox for inbox in world.inboxes.values() if _covers(domain, inbox.inbox_id.split("@")[1])]
    if any(inbox.gone_at is None for inbox in inboxes):
        raise refused(409, "cannot_delete", "Domain still has inboxes")
    if inboxes:
        raise refused(409, "resource_deleting", "Inboxes of the domain are still being deleted")
    del world.domains[domain.domain]
    world.verifying_domains.pop(domain.domain, None)
    return httpx.Response(204)


@routes.on("POST", "/domains/{domain_id}/verify")
def verify_domain(world: World, call: Call) -> httpx.Response:
    domain = _domain(world, call)
    domain.verify_called = True
    domain.updated_at = clock.timestamp()
    observe(world, domain)
    return httpx.Response(204)


@routes.on("GET", "/domains/{domain_id}/zone-file")
def get_zone_file(world: World, call: Call) -> httpx.Response:
    lines = [f"$ORIGIN {call.args['domain_id'].lower()}."]
    for record in _records(world, _domain(world, call)):
        kind, value = record["type"], record["value"]
        data = {"TXT": quoted(value), "MX": f"{record.get('priority')} {value}."}.get(kind, f"{value}.")
        lines.append(f"{record['name']}. 3600 IN {kind} {data}")
    text = "\n".join([*lines, ""])
    return httpx.Response(200, content=text, headers={"Content-Type": "application/octet-stream"})


def shown(world: World, domain: Domain) -> dict[str, Any]:
    """The Domain as the API returns it."""
    records = _records(world, domain)
    status, reason = _status(world, domain, records)
    return {
        **_item(domain),
        "status": status,
        **({"reason": reason} if reason else {}),
        "records": records,
    }


def is_ready(world: World, name: str) -> bool:
    """Whether this name may send: its domain, or a parent with `subdomains_enabled`, is verified."""
    labels = name.split(".")
    parents = (world.domains.get(".".join(labels[start:])) for start in range(len(labels)))
    domains = [domain for domain in parents if domain and _covers(domain, name)]
    return any(_status(world, domain, _records(world, domain))[0] == "VERIFIED" for domain in domains)


def observe(world: World, domain: Domain) -> None:
    """Record since when the domain's records are complete, and publish its verification or schedule the next check."""
    records = _records(world, domain)
    if any(record["status"] != "VALID" for record in records):
        domain.stood_since = None
    elif domain.stood_since is None:
        domain.stood_since = clock.now()
    status, _ = _status(world, domain, records)
    world.verifying_domains.pop(domain.domain, None)
    if status == "VERIFYING" and domain.stood_since and domain.domain not in world.settings.domain_states:
        world.verifying_domains[domain.domain] = _settled_at(world, domain.stood_since)
    if status == "VERIFIED" and not domain.announced:
        deliveries.publish(world, "domain.verified", "domain", shown(world, domain), clock.now())
    domain.announced = status == "VERIFIED"


def settle(world: World) -> None:
    """Check the domains whose verification is due, so that their event is sent without a request."""
    now = clock.now()
    for name in [name for name, settled_at in world.verifying_domains.items() if settled_at <= now]:
        observe(world, world.domains[name])
        world.changes += 1


def observe_all(world: World) -> None:
    for domain in world.domains.values():
        observe(world, domain)


def observe_zone(world: World, zone_name: str) -> None:
    """Check every domain of a zone whose records have changed."""
    for domain in world.domains.values():
        if domain.domain.endswith(zone_name) and zone_name_of(domain.domain) == zone_name:
            observe(world, domain)


def _domain(world: World, call: Call) -> Domain:
    domain = world.domains.get(call.args["domain_id"].lower())
    if domain is None:
        raise not_found("Domain not found")
    return domain


def _item(domain: Domain) -> dict[str, Any]:
    return {
        "pod_id": POD_ID,
        "domain_id": domain.domain,
        "domain": domain.domain,
        **{name: getattr(domain, name) for name in FLAGS},
        "created_at": domain.created_at,
        "updated_at": domain.updated_at,
    }


def _covers(domain: Domain, name: str) -> bool:
    below = name.endswith(f".{domain.domain}") and domain.subdomains_enabled
    return name == domain.domain or below


def _status(world: World, domain: Domain, records: list[dict[str, Any]]) -> tuple[str, str | None]:
    forced = world.settings.domain_states.get(domain.domain)
    if forced:
        return forced.status, forced.reason
    if not domain.verify_called:
        return "NOT_STARTED", None
    statuses = {record["status"] for record in records}
    if "INVALID" in statuses:
        return "PENDING", "dns_records_invalid"
    if "MISSING" in statuses or domain.stood_since is None:
        return "PENDING", "dns_records_missing"
    if clock.now() < _settled_at(world, domain.stood_since):
        return "VERIFYING", "ses_dkim_pending"
    return "VERIFIED", None


def _settled_at(world: World, stood_since: datetime) -> datetime:
    return stood_since + timedelta(seconds=world.settings.settle_seconds)


def _records(world: World, domain: Domain) -> list[dict[str, Any]]:
    """The records that the domain needs, with their status."""
    name = domain.domain
    wanted: list[tuple[str, str, str, int | None]] = [
        ("TXT", f"agentmail._domainkey.{name}", f"v=DKIM1; k=rsa; p={domain.dkim}", None),
        ("MX", f"mail.{name}", FEEDBACK_HOST, 10),
        ("TXT", f"mail.{name}", "v=spf1 include:amazonses.com -all", None),
        ("TXT", f"_dmarc.{name}", f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}", None),
    ]
    if domain.inbound_enabled:
        wanted.insert(1, ("MX", name, INBOUND_HOST, 10))
    if domain.subdomains_enabled:
        wanted.append(("MX", f"*.{name}", INBOUND_HOST, 10))
    if domain.tracking_enabled:
        wanted.append(("CNAME", f"link.{name}", TRACKING_HOST, None))
    ready = world.settings.external_dns.get(name) == "ready" and zone_name_of(name) is None
    records = []
    for kind, at, value, priority in wanted:
        status, reason = ("VALID", None) if ready else _standing(world, kind, at, value, priority)
        record: dict[str, Any] = {"type": kind, "name": at, "value": value, "status": status}
        if priority is not None:
            record["priority"] = priority
        if reason:
            record["reason"] = reason
        records.append(record)
    return records


def _standing(world: World, kind: str, name: str, value: str, priority: int | None) -> tuple[str, str | None]:
    found = records_at(world, name, kind)
    if not found:
        return "MISSING", None
    matching = [
        record
        for record in found
        if (text_of(record.content) == value if kind == "TXT" else record.content.lower() == value)
        and record.priority == priority
        and not record.proxied
    ]
    if not matching:
        return "INVALID", "value_mismatch"
    return ("VALID", None) if len(found) == 1 else ("INVALID", "duplicate_records")


def _is_google(world: World, name: str) -> bool:
    hosts = [record.content.lower() for record in records_at(world, name, "MX")]
    return any(host.endswith((".google.com", ".googlemail.com")) for host in hosts)


def _dkim_key() -> str:
    """A random value in the format of a 2048-bit RSA public key; there is no private key."""
    modulus = bytes([0x80 | secrets.randbits(7)]) + secrets.token_bytes(255)
    return base64.b64encode(_KEY_HEAD + modulus + bytes.fromhex("0203010001")).decode()
