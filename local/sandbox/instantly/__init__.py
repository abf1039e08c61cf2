"""Instantly's API v2: accounts, warmup with its background jobs, tags."""

from typing import Any

import httpx

from local.sandbox.instantly import accounts, tags, warmup
from local.sandbox.instantly.errors import refusal, refused
from local.sandbox.instantly.warmup import settle
from local.sandbox.wire import Call
from local.sandbox.world import World

__all__ = ["answer", "inventory", "refusal", "settle"]


def answer(world: World, call: Call) -> httpx.Response:
    token = call.bearer
    if token is None or not token.startswith("inst_"):
        raise refused(401, "Invalid API key" if token else "Missing authorization")
    for routes in (accounts.routes, warmup.routes, tags.routes):
        response = routes.answer(world, call)
        if response is not None:
            return response
    raise refused(404, f"Route {call.method}:{call.path} not found")


def inventory(world: World) -> dict[str, Any]:
    """All resources; each tag with the accounts it is assigned to."""
    used: dict[str, list[str]] = {tag_id: [] for tag_id in world.tags}
    for mapping in world.tag_mappings.values():
        used[mapping.tag_id].append(mapping.resource_id)
    return {
        "accounts": [accounts.shown(world, account) for account in world.accounts.values()],
        "tags": [{**tags.shown(tag), "resource_ids": used[tag.id]} for tag in world.tags.values()],
    }
