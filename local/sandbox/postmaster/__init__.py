"""Google Postmaster Tools v2 (`/v2/domains/…/domainStats:query`), and Google's token endpoint (`/v2/token`)."""

from typing import Any

import httpx

from local.sandbox.postmaster import stats, tokens
from local.sandbox.postmaster.errors import problem, refusal
from local.sandbox.wire import Call
from local.sandbox.world import World

__all__ = ["answer", "inventory", "refusal"]


def answer(world: World, call: Call) -> httpx.Response:
    for routes in (tokens.routes, stats.routes):
        response = routes.answer(world, call)
        if response is not None:
            return response
    raise problem(404, f"{call.method} {call.path} is not found.")


def inventory(world: World) -> dict[str, Any]:
    """The domains that the service account may see."""
    return {"domains": sorted(world.settings.gmail_days)}
