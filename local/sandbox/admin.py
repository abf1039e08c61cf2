"""The admin API: inventory, faults, settings, webhooks and reset."""

import json
from typing import Any

import httpx
from pydantic import ValidationError

from local.sandbox import agentmail, cloudflare, instantly, postmaster
from local.sandbox.agentmail import deliveries
from local.sandbox.faults import Fault, PostedFault
from local.sandbox.postmaster import tokens
from local.sandbox.wire import Call, Refused, Routes
from local.sandbox.world import World

routes = Routes("/_admin")


def answer(world: World, call: Call) -> httpx.Response:
    response = routes.answer(world, call)
    return response or _refusal(404, f"There is no {call.method} {call.path} in the admin API.")


@routes.on("GET", "/inventory")
def get_inventory(world: World, _call: Call) -> httpx.Response:
    return httpx.Response(
        200,
        json={
            "agentmail": agentmail.inventory(world),
            "instantly": instantly.inventory(world),
            "cloudflare": cloudflare.inventory(world),
            "postmaster": postmaster.inventory(world),
        },
    )


@routes.on("POST", "/faults")
def post_fault(world: World, call: Call) -> httpx.Response:
    try:
        fault = Fault.model_validate(_object(call))
    except ValidationError as error:
        raise _misfit("fault field", error) from None
    world.faults.append(PostedFault(fault=fault))
    return httpx.Response(200, json=fault.model_dump())


@routes.on("GET", "/faults")
def list_faults(world: World, _call: Call) -> httpx.Response:
    return httpx.Response(200, json={"faults": [posted.model_dump() for posted in world.faults]})


@routes.on("DELETE", "/faults")
def delete_faults(world: World, _call: Call) -> httpx.Response:
    world.faults = []
    return httpx.Response(200, json={"faults": []})


@routes.on("GET", "/settings")
def get_settings(world: World, _call: Call) -> httpx.Response:
    return httpx.Response(200, json=world.settings.model_dump())


@routes.on("POST", "/settings")
def change_settings(world: World, call: Call) -> httpx.Response:
    try:
        world.settings = world.settings.changed(_object(call))
    except ValidationError as error:
        raise _misfit("setting", error) from None
    agentmail.observe_all(world)
    return httpx.Response(200, json=world.settings.model_dump())


@routes.on("GET", "/webhooks")
def count_deliveries(world: World, _call: Call) -> httpx.Response:
    """The numbers of webhook deliveries that are pending, were made, and were given up."""
    outbox = world.outbox
    counts = {"pending": len(outbox.deliveries), "delivered": outbox.delivered, "failed": outbox.failed}
    return httpx.Response(200, json=counts)


@routes.on("POST", "/webhooks/send")
def send_event(world: World, call: Call) -> httpx.Response:
    """Send an event to every enabled webhook. Missing fields of the envelope are added."""
    event = _object(call)
    if not isinstance(event.get("event_type"), str):
        raise Refused(_refusal(400, "An event needs an `event_type`."))
    return httpx.Response(200, json={"deliveries": deliveries.inject(world, event)})


@routes.on("GET", "/service-account")
def get_service_account(world: World, call: Call) -> httpx.Response:
    """The key file of the service account that asks for statistics."""
    return httpx.Response(200, json=tokens.key_file(world, call.headers["host"]))


@routes.on("POST", "/reset")
def reset(world: World, _call: Call) -> httpx.Response:
    world.clear()
    return httpx.Response(200, json={"success": True})


def _object(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.content)
    except ValueError:
        raise Refused(_refusal(400, "The body is not JSON.")) from None
    if not isinstance(body, dict):
        raise Refused(_refusal(400, "The body is not a JSON object."))
    return body


def _misfit(what: str, error: ValidationError) -> Refused:
    sentences = []
    for issue in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(map(str, issue["loc"]))
        if issue["type"] == "extra_forbidden":
            sentences.append(f"There is no {what} `{field}`.")
        else:
            sentences.append(f"{field or 'The fault'}: {issue['msg'].removeprefix('Value error, ')}.")
    return Refused(_refusal(400, " ".join(sentences)))


def _refusal(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})
