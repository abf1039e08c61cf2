"""Cloudflare's API: zones below `.example`, and their DNS records."""

from typing import Any

import httpx

from local.sandbox.cloudflare import batches, records, table, zones
from local.sandbox.cloudflare.envelope import authenticate, problem, refusal
from local.sandbox.wire import Call
from local.sandbox.world import World

__all__ = ["answer", "inventory", "refusal"]


def answer(world: World, call: Call) -> httpx.Response:
    authenticate(call)
    for routes in (zones.routes, batches.routes, records.routes):
        response = routes.answer(world, call)
        if response is not None:
            return response
    path = call.path.removeprefix("/client/v4")
    raise problem(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")


def inventory(world: World) -> dict[str, Any]:
    """The zones that have records, and their records."""
    held = {zone_id: rows for zone_id, rows in world.records.items() if rows}
    return {
        "zones": [zones.shown(zone_id, world.zones[zone_id]) for zone_id in held],
        "records": [
            {**table.shown(record), "zone_id": zone_id, "zone_name": world.zones[zone_id]}
            for zone_id, rows in held.items()
            for record in rows.values()
        ],
    }
