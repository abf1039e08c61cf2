"""Inboxes: idempotent by `client_id`, with burnt addresses, delayed visibility and asynchronous deletions."""

import secrets
from datetime import timedelta
from typing import Annotated, Any, Literal

import httpx
from pydantic import Field

from kindling.platform import clock
from local.sandbox.agentmail.domains import POD_ID, is_ready
from local.sandbox.agentmail.errors import body_of, invalid, not_found, refused
from local.sandbox.agentmail.paging import page
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Inbox, World

ORGANIZATION_ID = POD_ID
SHARED_DOMAIN = "agentmail.to"
ADJECTIVES = ("amber", "brisk", "calm", "eager", "gentle", "lucid", "merry", "quiet")
NOUNS = ("brook", "cedar", "falcon", "harbor", "meadow", "otter", "pine", "river")

Text256 = Annotated[str, Field(max_length=256)]
MetadataValue = Text256 | bool | float
ClientId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,256}$")]
USERNAME = r"^[A-Za-z0-9]([A-Za-z0-9._+-]{0,62}[A-Za-z0-9])?$"
Username = Annotated[str, Field(pattern=USERNAME)]

routes = Routes("/v0")


class CreateInbox(Strict):
    username: Username | None = None
    domain: str | None = None
    display_name: Text256 | None = None
    client_id: ClientId | None = None
    metadata: Annotated[dict[str, MetadataValue], Field(max_length=256)] | None = None
    status: Literal["active", "paused"] | None = None


class UpdateInbox(Strict):
    display_name: Text256 | None = None
    metadata: dict[str, MetadataValue | None] | None = None
    status: Literal["active", "paused"] | None = None


@routes.on("POST", "/inboxes")
def create_inbox(world: World, call: Call) -> httpx.Response:
    body = body_of(call, CreateInbox)
    first = next((i for i in world.inboxes.values() if body.client_id and i.client_id == body.client_id), None)
    if first:
        if first.gone_at is not None:
            raise refused(409, "resource_deleting", "Inbox is being deleted")
        return httpx.Response(200, json=shown(first))
    domain = (body.domain or SHARED_DOMAIN).lower()
    if domain != SHARED_DOMAIN and not is_ready(world, domain):
        raise refused(403, "domain_not_verified", "Domain is not verified")
    address = f"{body.username.lower() if body.username else _free_name(world, domain)}@{domain}"
    _refuse_unless_free(world, address)
    now = clock.timestamp()
    inbox = Inbox(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        inbox_id=address,
        display_name=body.display_name or "AgentMail",
        client_id=body.client_id,
        metadata=body.metadata,
        status=body.status or "active",
        visible_at=clock.now() + timedelta(seconds=world.settings.inbox_visible_seconds),
    )
    world.inboxes[address] = inbox
    return httpx.Response(200, json=shown(inbox))


@routes.on("GET", "/inboxes")
def list_inboxes(world: World, call: Call) -> httpx.Response:
    now = clock.now()
    return page(call, "inboxes", [i for i in world.inboxes.values() if i.visible_at <= now], shown)


@routes.on("GET", "/inboxes/{inbox_id}")
def get_inbox(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json=shown(find_inbox(world, call)))


@routes.on("PATCH", "/inboxes/{inbox_id}")
def update_inbox(world: World, call: Call) -> httpx.Response:
    inbox = find_live_inbox(world, call)
    body = body_of(call, UpdateInbox)
    if not body.model_fields_set or body.metadata == {}:
        raise invalid([], "At least one field must be provided")
    if body.display_name is not None:
        inbox.display_name = body.display_name
    if body.status is not None:
        inbox.status = body.status
    if "metadata" in body.model_fields_set:
        merged = {**(inbox.metadata or {}), **body.metadata} if body.metadata else {}
        inbox.metadata = {key: value for key, value in merged.items() if value is not None} or None
    inbox.updated_at = clock.timestamp()
    return httpx.Response(200, json=shown(inbox))


@routes.on("DELETE", "/inboxes/{inbox_id}")
def delete_inbox(world: World, call: Call) -> httpx.Response:
    inbox = find_inbox(world, call)
    if inbox.gone_at is None:
        inbox.gone_at = clock.now() + timedelta(seconds=world.settings.inbox_delete_seconds)
        world.leaving_inboxes[inbox.inbox_id] = inbox.gone_at
        settle(world)
    return httpx.Response(202, json={})


def settle(world: World) -> None:
    """Complete the deletions that are due: delete keys and messages, and burn the address."""
    now = clock.now()
    for address in [address for address, gone_at in world.leaving_inboxes.items() if gone_at <= now]:
        del world.leaving_inboxes[address], world.inboxes[address]
        world.burnt_addresses.add(address)
        for key in [key for key in world.api_keys.values() if key.inbox_id == address]:
            del world.api_keys[key.api_key]
            world.revoked_keys.add(key.api_key)
        for message in [message for message in world.messages.values() if message.inbox_id == address]:
            del world.messages[message.message_id]


def find_inbox(world: World, call: Call) -> Inbox:
    """The inbox in the path, if it is visible."""
    inbox = world.inboxes.get(call.args["inbox_id"].lower())
    if inbox is None or inbox.visible_at > clock.now():
        raise not_found("Inbox not found")
    return inbox


def find_live_inbox(world: World, call: Call) -> Inbox:
    """The inbox in the path, unless it is being deleted."""
    inbox = find_inbox(world, call)
    if inbox.gone_at is not None:
        raise refused(409, "resource_deleting", "Inbox is being deleted")
    return inbox


def shown(inbox: Inbox) -> dict[str, Any]:
    fields = {
        "organization_id": ORGANIZATION_ID,
        "pod_id": POD_ID,
        "inbox_id": inbox.inbox_id,
        "email": inbox.inbox_id,
        "display_name": inbox.display_name,
        "client_id": inbox.client_id,
        "status": "paused" if inbox.status == "paused" else None,
        "metadata": inbox.metadata,
        "updated_at": inbox.updated_at,
        "created_at": inbox.created_at,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _refuse_unless_free(world: World, address: str) -> None:
    if address in world.inboxes:
        code = "already_exists"
    elif address in world.settings.taken_addresses:
        code = "resource_taken"
    elif address in world.burnt_addresses:
        code = world.settings.burnt_code
    else:
        return
    message = "Inbox already exists" if code == "already_exists" else "Inbox is taken"
    raise refused(403, code, message, suggestions=_suggestions(world, address))


def _suggestions(world: World, address: str) -> list[str]:
    username, domain = address.split("@")
    names = (f"{username}{number}" for number in range(1, 1000))
    free = [name for name in names if _is_free(world, f"{name}@{domain}")]
    return free[:3]


def _is_free(world: World, address: str) -> bool:
    known = (world.inboxes, world.settings.taken_addresses, world.burnt_addresses)
    return not any(address in addresses for addresses in known)


def _free_name(world: World, domain: str) -> str:
    while True:
        name = f"{secrets.choice(ADJECTIVES)}{secrets.choice(NOUNS)}{secrets.randbelow(10_000)}"
        if _is_free(world, f"{name}@{domain}"):
            return name
