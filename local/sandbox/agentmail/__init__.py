"""AgentMail's API: domains, inboxes with their keys, messages, webhooks."""

from typing import Any

import httpx

from local.sandbox.agentmail import domains, inboxes, keys, messages, webhooks
from local.sandbox.agentmail.domains import observe_all
from local.sandbox.agentmail.errors import not_found, refusal
from local.sandbox.wire import Call
from local.sandbox.world import World

__all__ = ["answer", "inventory", "observe_all", "refusal", "settle"]

ROUTES = (domains.routes, inboxes.routes, keys.routes, messages.routes, webhooks.routes)


def answer(world: World, call: Call) -> httpx.Response:
    keys.authenticate(world, call)
    for routes in ROUTES:
        response = routes.answer(world, call)
        if response is not None:
            return response
    raise not_found("Route not found")


def settle(world: World) -> None:
    """Complete the deletions and verifications that are due."""
    inboxes.settle(world)
    domains.settle(world)


def inventory(world: World) -> dict[str, Any]:
    """All resources. Keys include their secrets, for tests that look for leaks; messages are limited to the newest
    `messages.KEPT_MESSAGES`.
    """
    return {
        "domains": [domains.shown(world, domain) for domain in world.domains.values()],
        "inboxes": [inboxes.shown(inbox) for inbox in world.inboxes.values()],
        "api_keys": [{**keys.shown(key), "api_key": key.api_key} for key in world.api_keys.values()],
        "messages": [messages.shown(message) for message in world.messages.values()],
    }
