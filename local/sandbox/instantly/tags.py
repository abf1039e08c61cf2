"""Custom tags and their assignments."""

import uuid
from typing import Annotated, Any, Literal

import httpx
from pydantic import Field

from kindling.platform import clock
from local.sandbox.instantly.errors import body_of, comma_list, page, refuse_a_body, refused
from local.sandbox.instantly.warmup import WORKSPACE_ID
from local.sandbox.settings import Strict
from local.sandbox.wire import Call, Routes
from local.sandbox.world import Tag, TagMapping, World

ACCOUNT = 1
routes = Routes("/api/v2")

Ids = Annotated[list[str], Field(min_length=1)]


class CreateTag(Strict):
    label: Annotated[str, Field(min_length=1)]
    description: str | None = None


class ToggleResource(Strict):
    tag_ids: Ids
    resource_type: Literal[1, 2]
    assign: bool
    resource_ids: Ids | None = None
    excluded_resource_ids: list[str] | None = None
    selected_all: bool | None = None
    filter: dict[str, Any] | None = None
    search: str | None = None


@routes.on("POST", "/custom-tags")
def create_tag(world: World, call: Call) -> httpx.Response:
    body = body_of(call, CreateTag)
    label = body.label.strip()
    if not label:
        raise refused(400, "body/label must NOT have fewer than 1 characters")
    if any(tag.label == label for tag in world.tags.values()):
        raise refused(409, "A tag with this name already exists.")
    now = clock.timestamp()
    tag = Tag(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        id=str(uuid.uuid4()),
        label=label,
        description=body.description,
    )
    world.tags[tag.id] = tag
    return httpx.Response(200, json=shown(tag))


@routes.on("GET", "/custom-tags")
def list_tags(world: World, call: Call) -> httpx.Response:
    search = call.query.get("search", "").lower()
    ids, resources = comma_list(call, "tag_ids"), comma_list(call, "resource_ids")
    used = {mapping.tag_id for mapping in world.tag_mappings.values() if mapping.resource_id in resources}
    rows = [
        tag
        for tag in world.tags.values()
        if search in tag.label.lower() and (not ids or tag.id in ids) and (not resources or tag.id in used)
    ]
    return page(call, rows, shown)


@routes.on("GET", "/custom-tags/{id}")
def get_tag(world: World, call: Call) -> httpx.Response:
    return httpx.Response(200, json=shown(_tag(world, call.args["id"])))


@routes.on("DELETE", "/custom-tags/{id}")
def delete_tag(world: World, call: Call) -> httpx.Response:
    refuse_a_body(call)
    tag = _tag(world, call.args["id"])
    del world.tags[tag.id]
    for mapping in [mapping for mapping in world.tag_mappings.values() if mapping.tag_id == tag.id]:
        del world.tag_mappings[mapping.id]
    return httpx.Response(200, json=shown(tag))


@routes.on("POST", "/custom-tags/toggle-resource")
def toggle_resource(world: World, call: Call) -> httpx.Response:
    body = body_of(call, ToggleResource)
    tags = [_tag(world, tag_id) for tag_id in body.tag_ids]
    emails = _meant(world, body)
    for tag in tags:
        for email in emails:
            _set(world, tag, email, assign=body.assign)
    return httpx.Response(200, json={"success": True})


@routes.on("GET", "/custom-tag-mappings")
def list_mappings(world: World, call: Call) -> httpx.Response:
    resources = [resource.lower() for resource in comma_list(call, "resource_ids")]
    rows = [row for row in world.tag_mappings.values() if not resources or row.resource_id in resources]
    return page(call, rows, _shown_mapping)


def shown(tag: Tag) -> dict[str, Any]:
    return {
        "id": tag.id,
        "timestamp_created": tag.created_at,
        "timestamp_updated": tag.updated_at,
        "organization_id": WORKSPACE_ID,
        "label": tag.label,
        **({"description": tag.description} if tag.description else {}),
    }


def _shown_mapping(mapping: TagMapping) -> dict[str, Any]:
    return {
        "id": mapping.id,
        "tag_id": mapping.tag_id,
        "resource_id": mapping.resource_id,
        "resource_type": ACCOUNT,
        "timestamp_created": mapping.created_at,
        "organization_id": WORKSPACE_ID,
    }


def _tag(world: World, tag_id: str) -> Tag:
    tag = world.tags.get(tag_id)
    if tag is None:
        raise refused(404, "Tag not found")
    return tag


def _meant(world: World, body: ToggleResource) -> list[str]:
    """The accounts of a toggle request; the sandbox has no campaigns."""
    if body.resource_ids is None and not body.selected_all:
        raise refused(400, "body must have required property 'resource_ids'")
    excluded = {resource.lower() for resource in body.excluded_resource_ids or []}
    meant = [resource.lower() for resource in body.resource_ids or world.accounts]
    unknown = [resource for resource in meant if body.resource_type != ACCOUNT or resource not in world.accounts]
    if unknown:
        raise refused(404, f"Resource not found: {unknown[0]}")
    return [resource for resource in meant if resource not in excluded]


def _set(world: World, tag: Tag, email: str, *, assign: bool) -> None:
    found = [m for m in world.tag_mappings.values() if m.tag_id == tag.id and m.resource_id == email]
    if not assign:
        for mapping in found:
            del world.tag_mappings[mapping.id]
    elif not found:
        now = clock.timestamp()
        mapping = TagMapping(
            number=world.next_number(),
            created_at=now,
            updated_at=now,
            id=str(uuid.uuid4()),
            tag_id=tag.id,
            resource_id=email,
        )
        world.tag_mappings[mapping.id] = mapping
