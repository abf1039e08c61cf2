"""DNS records: create, read, change, delete and list with filters."""

from typing import Any

import httpx

from local.sandbox.agentmail.domains import observe_zone
from local.sandbox.cloudflare import table
from local.sandbox.cloudflare.envelope import body_of, enveloped, invalid, ordered, paged, problem
from local.sandbox.cloudflare.zones import find_zone
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Record, World

OPERATORS = ("exact", "contains", "startswith", "endswith", "absent", "present")
FILTERED = ("name", "content", "comment")
PLAIN = ("type", "search", "match", "proxied", "order", "direction", "page", "per_page")
ORDERS = ("type", "name", "content", "ttl", "proxied")

routes = Routes("/client/v4")


@routes.on("GET", "/zones/{zone_id}/dns_records")
def list_records(world: World, call: Call) -> httpx.Response:
    find_zone(world, call)
    filters = [(name, value) for name, value in call.query.multi_items() if _is_filter(name)]
    search = call.query.get("search", "").lower()
    every = any if call.query.get("match") == "any" and filters else all
    found = [
        table.shown(record)
        for record in table.of_zone(world, call.args["zone_id"]).values()
        if every(_fits(record, name, value) for name, value in filters)
        and search in f"{record.name} {record.type} {record.content} {record.comment or ''}".lower()
    ]
    return paged(call, ordered(call, found, ORDERS), default=100, largest=5_000_000)


@routes.on("POST", "/zones/{zone_id}/dns_records")
def create_record(world: World, call: Call) -> httpx.Response:
    zone_name = find_zone(world, call)
    body = body_of(call, table.NewRecord)
    record = table.add(world, zone_name, table.of_zone(world, call.args["zone_id"]), body)
    observe_zone(world, zone_name)
    return enveloped(table.shown(record))


@routes.on("GET", "/zones/{zone_id}/dns_records/{record_id}")
def get_record(world: World, call: Call) -> httpx.Response:
    find_zone(world, call)
    record = table.of_zone(world, call.args["zone_id"]).get(call.args["record_id"])
    if record is None:
        raise problem(404, 81044)
    return enveloped(table.shown(record))


@routes.on("PATCH", "/zones/{zone_id}/dns_records/{record_id}")
def edit_record(world: World, call: Call) -> httpx.Response:
    return _change(world, call, body_of(call, table.RecordChange), whole=False)


@routes.on("PUT", "/zones/{zone_id}/dns_records/{record_id}")
def overwrite_record(world: World, call: Call) -> httpx.Response:
    return _change(world, call, body_of(call, table.NewRecord), whole=True)


@routes.on("DELETE", "/zones/{zone_id}/dns_records/{record_id}")
def delete_record(world: World, call: Call) -> httpx.Response:
    zone_name = find_zone(world, call)
    record = table.remove(table.of_zone(world, call.args["zone_id"]), call.args["record_id"])
    observe_zone(world, zone_name)
    return enveloped({"id": record.id})


def _change(world: World, call: Call, body: table.RecordChange, *, whole: bool) -> httpx.Response:
    zone_name = find_zone(world, call)
    rows = table.of_zone(world, call.args["zone_id"])
    record = table.change(world, zone_name, rows, call.args["record_id"], body, whole=whole)
    observe_zone(world, zone_name)
    return enveloped(table.shown(record))


def _is_filter(parameter: str) -> bool:
    """Whether a query parameter is a filter. An unknown one is refused: ignored, it would match all records."""
    name, _, operator = parameter.partition(".")
    if name in FILTERED and (not operator or operator in OPERATORS):
        return True
    if parameter not in PLAIN:
        raise invalid(9207, f"unknown parameter {parameter}")
    return parameter in ("type", "proxied")


def _fits(record: Record, parameter: str, value: str) -> bool:
    name, _, operator = parameter.partition(".")
    have, want = _text(getattr(record, name)), value.lower()
    return {
        "": have == want,
        "exact": have == want,
        "contains": want in have,
        "startswith": have.startswith(want),
        "endswith": have.endswith(want),
        "absent": not have,
        "present": bool(have),
    }[operator]


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower()
