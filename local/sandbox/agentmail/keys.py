"""API keys: every `am_` key is one of the organisation, unless it was created here for an inbox."""

import secrets
import uuid
from datetime import datetime
from typing import Any

import httpx

from kindling.platform import clock
from local.sandbox.agentmail.domains import POD_ID
from local.sandbox.agentmail.errors import body_of, invalid, not_found, refusal, refused
from local.sandbox.agentmail.inboxes import find_inbox, find_live_inbox
from local.sandbox.agentmail.paging import page
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Refused, Routes
from local.sandbox.world import ApiKey, World

routes = Routes("/v0")


class CreateApiKey(Strict):
    name: str | None = None
    permissions: dict[str, bool] | None = None
    expires_at: datetime | None = None


def authenticate(world: World, call: Call) -> None:
    """Refuse a missing, malformed, revoked or expired key, and a key of another inbox."""
    if "authorization" not in call.headers:
        raise Refused(refusal(401, None, None))
    token = call.bearer
    if token is None or not token.startswith("am_") or token in world.revoked_keys:
        raise Refused(refusal(403, None, None))
    key = world.api_keys.get(token)
    if key is None:
        return
    if is_expired(key):
        raise Refused(refusal(403, None, None))
    within = call.segments[1:2] == ("inboxes",) and len(call.segments) > 2
    if not within or call.segments[2].lower() != key.inbox_id:
        raise not_found("Not found")
    needed = _permission(call)
    if key.permissions is not None and not key.permissions.get(needed):
        raise refused(403, "missing_permission", f"The API key lacks the permission {needed}")


def opens_mailbox(world: World, password: str, address: str) -> bool:
    """Whether an IMAP or SMTP login with this password succeeds."""
    key = world.api_keys.get(password)
    return key is not None and key.inbox_id == address and not is_expired(key) and address in world.inboxes


def is_expired(key: ApiKey) -> bool:
    return key.expires_at is not None and key.expires_at <= clock.now()


@routes.on("POST", "/inboxes/{inbox_id}/api-keys")
def create_api_key(world: World, call: Call) -> httpx.Response:
    inbox = find_live_inbox(world, call)
    body = body_of(call, CreateApiKey)
    if body.expires_at is not None and (body.expires_at.tzinfo is None or body.expires_at <= clock.now()):
        raise invalid(["expires_at"], "Expected an instant in the future")
    now = clock.timestamp()
    key = ApiKey(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        api_key_id=str(uuid.uuid4()),
        api_key=f"am_us_{secrets.token_hex(32)}",
        name=body.name or "API key",
        inbox_id=inbox.inbox_id,
        permissions=body.permissions,
        expires_at=body.expires_at,
    )
    world.api_keys[key.api_key] = key
    answer = {**shown(key), "api_key": key.api_key}
    del answer["type"], answer["updated_at"]
    return httpx.Response(200, json=answer)


@routes.on("GET", "/inboxes/{inbox_id}/api-keys")
def list_api_keys(world: World, call: Call) -> httpx.Response:
    inbox = find_inbox(world, call)
    keys = [key for key in world.api_keys.values() if key.inbox_id == inbox.inbox_id]
    return page(call, "api_keys", keys, shown)


@routes.on("DELETE", "/inboxes/{inbox_id}/api-keys/{api_key_id}")
def delete_api_key(world: World, call: Call) -> httpx.Response:
    inbox = find_inbox(world, call)
    keys = {key.api_key_id: key for key in world.api_keys.values() if key.inbox_id == inbox.inbox_id}
    key = keys.get(call.args["api_key_id"])
    if key is None:
        raise not_found("API key not found")
    del world.api_keys[key.api_key]
    world.revoked_keys.add(key.api_key)
    return httpx.Response(204)


def shown(key: ApiKey) -> dict[str, Any]:
    """The key as in a list, without its secret."""
    fields = {
        "type": "bearer",
        "api_key_id": key.api_key_id,
        "prefix": key.api_key[:12],
        "name": key.name,
        "pod_id": POD_ID,
        "inbox_id": key.inbox_id,
        "permissions": key.permissions,
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "expires_at": clock.timestamp(key.expires_at) if key.expires_at else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _permission(call: Call) -> str:
    topic = call.segments[3] if len(call.segments) > 3 else "inboxes"
    noun = {"messages": "message", "api-keys": "api_key"}.get(topic, "inbox")
    if topic == "messages" and call.method == "POST":
        return "message_send"
    verb = {"GET": "read", "POST": "create", "PATCH": "update"}.get(call.method, "delete")
    return f"{noun}_{verb}"
