"""Zones, which are created on first use."""

from typing import Any

import httpx

from local.sandbox.cloudflare.envelope import enveloped, ordered, paged, problem
from local.sandbox.wire import Call, Routes
from local.sandbox.world import World
from local.sandbox.zones import NAME_SERVERS, open_zone, zone_name_of

ACCOUNT_ID = "7f1d0d0f6c1b4c0f8e5a3b2d9c4e6a10"
CREDENTIAL_ID = "3c2e5a9f0b7d4e61a8c94f2d6b1e7053"
CREATED_ON = "2026-01-01T00:00:00.000Z"
OPERATORS = ("equal", "not_equal", "starts_with", "ends_with", "contains")

routes = Routes("/client/v4")


@routes.on("GET", "/user/tokens/verify")
def verify_token(_world: World, _call: Call) -> httpx.Response:
    return enveloped({"id": CREDENTIAL_ID, "status": "active"})


@routes.on("GET", "/zones")
def list_zones(world: World, call: Call) -> httpx.Response:
    operator, value = _name_filter(call.query.get("name", ""))
    if operator == "equal" and value and zone_name_of(value) == value:
        open_zone(world, value)
    zones = [
        shown(zone_id, name)
        for zone_id, name in world.zones.items()
        if _fits(name, operator, value)
        and call.query.get("status", "active") == "active"
        and call.query.get("account.id", ACCOUNT_ID) == ACCOUNT_ID
    ]
    return paged(call, ordered(call, zones, ("name", "status")), default=20, largest=50)


@routes.on("GET", "/zones/{zone_id}")
def get_zone(world: World, call: Call) -> httpx.Response:
    return enveloped(shown(call.args["zone_id"], find_zone(world, call)))


def find_zone(world: World, call: Call) -> str:
    """The name of the zone in the path."""
    name = world.zones.get(call.args["zone_id"])
    if name is None:
        raise problem(403, 9109)
    return name


def shown(zone_id: str, name: str) -> dict[str, Any]:
    return {
        "id": zone_id,
        "name": name,
        "status": "active",
        "paused": False,
        "type": "full",
        "development_mode": 0,
        "name_servers": NAME_SERVERS,
        "original_name_servers": None,
        "original_registrar": None,
        "original_dnshost": None,
        "created_on": CREATED_ON,
        "modified_on": CREATED_ON,
        "activated_on": CREATED_ON,
        "meta": {"step": 2, "custom_certificate_quota": 0, "page_rule_quota": 3, "phishing_detected": False},
        "owner": {"id": ACCOUNT_ID, "type": "user", "name": None},
        "account": {"id": ACCOUNT_ID, "name": "Sandbox"},
        "permissions": ["#dns_records:edit", "#dns_records:read", "#zone:read"],
        "plan": {"id": "0feeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "name": "Free Website", "price": 0},
    }


def _name_filter(text: str) -> tuple[str, str]:
    operator, colon, value = text.lower().partition(":")
    if colon and operator.removesuffix("_case_sensitive") in OPERATORS:
        return operator.removesuffix("_case_sensitive"), value
    return "equal", text.lower()


def _fits(name: str, operator: str, value: str) -> bool:
    return (
        not value
        or {
            "equal": name == value,
            "not_equal": name != value,
            "starts_with": name.startswith(value),
            "ends_with": name.endswith(value),
            "contains": value in name,
        }[operator]
    )
