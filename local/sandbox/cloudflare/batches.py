"""Batches of record changes: atomic, and in a fixed order."""

import httpx
from pydantic import BaseModel

from local.sandbox.agentmail.domains import observe_zone
from local.sandbox.cloudflare import table
from local.sandbox.cloudflare.envelope import body_of, enveloped, invalid
from local.sandbox.cloudflare.zones import find_zone
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Refused, Routes
from local.sandbox.world import World

OPERATIONS_LIMIT = 200

routes = Routes("/client/v4")


class Delete(Strict):
    id: str


class Patch(table.RecordChange):
    id: str


class Put(table.NewRecord):
    id: str


class Batch(Strict):
    deletes: list[Delete] | None = None
    patches: list[Patch] | None = None
    puts: list[Put] | None = None
    posts: list[table.NewRecord] | None = None


@routes.on("POST", "/zones/{zone_id}/dns_records/batch")
def run_batch(world: World, call: Call) -> httpx.Response:
    zone_name = find_zone(world, call)
    body = body_of(call, Batch)
    lists: list[list[BaseModel]] = [list(items or []) for items in (body.deletes, body.patches, body.puts)]
    if sum(map(len, lists)) + len(body.posts or []) > OPERATIONS_LIMIT:
        raise invalid(9207, f"A batch has at most {OPERATIONS_LIMIT} operations.")
    rows = table.of_zone(world, call.args["zone_id"])
    before = dict(rows)
    try:
        deletes = [table.remove(rows, item.id) for item in body.deletes or []]
        patches = [
            table.change(world, zone_name, rows, item.id, _without_id(item), whole=False) for item in body.patches or []
        ]
        puts = [
            table.change(world, zone_name, rows, item.id, _without_id(item), whole=True) for item in body.puts or []
        ]
        posts = [table.add(world, zone_name, rows, item) for item in body.posts or []]
    except Refused:
        rows.clear()
        rows.update(before)
        raise
    observe_zone(world, zone_name)
    result = {"deletes": deletes, "patches": patches, "puts": puts, "posts": posts}
    return enveloped({name: [table.shown(record) for record in done] for name, done in result.items()})


def _without_id(item: Patch | Put) -> table.RecordChange:
    return table.RecordChange.model_validate(item.model_dump(exclude_unset=True, exclude={"id"}))
