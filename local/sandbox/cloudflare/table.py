"""The records of one zone: validation and conflicts."""

import ipaddress
import re
import secrets
from typing import Any

from kindling.platform import clock
from local.sandbox.cloudflare.envelope import invalid, problem
from local.sandbox.settings import Strict
from local.sandbox.world import Record, World
from local.sandbox.zones import longest_string, quoted, text_of

PROXIABLE = ("A", "AAAA", "CNAME")
HOSTS = ("CNAME", "MX", "NS")
TYPES = (*PROXIABLE, "MX", "NS", "TXT")
COMMENT_LIMIT = 100
TEXT_LIMIT = 2048
NAME_TEXT_LIMIT = 8192

_LABEL = re.compile(r"(\*|[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)")

Rows = dict[str, Record]


class RecordChange(Strict):
    name: str | None = None
    type: str | None = None
    content: str | None = None
    ttl: int | None = None
    priority: int | None = None
    proxied: bool | None = None
    comment: str | None = None
    tags: list[str] | None = None
    settings: dict[str, bool | None] | None = None


class NewRecord(RecordChange):
    name: str
    type: str
    content: str


def of_zone(world: World, zone_id: str) -> Rows:
    return world.records.setdefault(zone_id, {})


def add(world: World, zone_name: str, rows: Rows, body: NewRecord) -> Record:
    now = clock.timestamp()
    blank = Record(
        number=world.next_number(),
        created_at=now,
        updated_at=now,
        id=secrets.token_hex(16),
        name="",
        type=body.type,
        content="",
        ttl=1,
        priority=None,
        proxied=False,
        comment=None,
        settings={},
    )
    return _write(world, zone_name, rows, blank, body.model_dump(exclude_none=True))


def change(world: World, zone_name: str, rows: Rows, record_id: str, body: RecordChange, *, whole: bool) -> Record:
    """Change a record. With `whole`, omitted fields get their defaults; otherwise they are unchanged."""
    before = _find(rows, record_id)
    asked = body.model_dump(exclude_unset=True)
    given = {name: value for name, value in asked.items() if value is not None or name == "comment"}
    if whole:
        given = {"ttl": 1, "priority": None, "proxied": False, "comment": None, "settings": {}, **given}
    after = before.model_copy(update={"updated_at": clock.timestamp()})
    return _write(world, zone_name, rows, after, given)


def remove(rows: Rows, record_id: str) -> Record:
    record = _find(rows, record_id)
    del rows[record_id]
    return record


def shown(record: Record) -> dict[str, Any]:
    fields = {
        "id": record.id,
        "name": record.name,
        "type": record.type,
        "content": record.content,
        "proxiable": record.type in PROXIABLE,
        "proxied": record.proxied,
        "ttl": record.ttl,
        "settings": record.settings,
        "meta": {},
        "comment": record.comment,
        "tags": [],
        "created_on": record.created_at,
        "modified_on": record.updated_at,
    }
    return fields if record.priority is None else {**fields, "priority": record.priority}


def _find(rows: Rows, record_id: str) -> Record:
    record = rows.get(record_id)
    if record is None:
        raise problem(404, 81044)
    return record


def _write(world: World, zone_name: str, rows: Rows, record: Record, given: dict[str, Any]) -> Record:
    tags = given.pop("tags", None)
    if tags:
        raise invalid(9300, f"DNS record has {len(tags)} tags, exceeding the quota of 0.")
    record = record.model_copy(update=given)
    record.name = _full_name(record.name, zone_name)
    record.comment = record.comment or None
    _refuse_invalid(record)
    record.content = _kept_content(record)
    if record.type != "MX":
        record.priority = None
    _refuse_clash(world, rows, record)
    rows[record.id] = record
    return record


def _full_name(name: str, zone_name: str) -> str:
    """The full name. `@` is the zone itself; a name outside the zone is relative to it."""
    name = name.lower().rstrip(".")
    if name in ("@", ""):
        return zone_name
    inside = name == zone_name or name.endswith(f".{zone_name}")
    return name if inside else f"{name}.{zone_name}"


def _refuse_invalid(record: Record) -> None:
    if record.type not in TYPES:
        raise invalid(9001, f"The sandbox keeps no records of type {record.type}.")
    if len(record.name) > 253 or not all(_LABEL.fullmatch(label) for label in record.name.split(".")):
        raise invalid(9000, "DNS name is invalid.")
    if record.ttl != 1 and not 60 <= record.ttl <= 86400:
        raise invalid(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for automatic.")
    if record.proxied and record.type not in PROXIABLE:
        raise invalid(9004, "This record type cannot be proxied.")
    if len(record.comment or "") > COMMENT_LIMIT:
        raise invalid(9313, f"A comment has at most {COMMENT_LIMIT} characters.")
    if record.type == "MX" and (record.priority is None or not 0 <= record.priority <= 65535):
        raise invalid(9100, "An MX record needs a priority from 0 to 65535.")
    if record.type in ("A", "AAAA"):
        _refuse_bad_address(record)
    if record.type in HOSTS and not _is_host(record.content):
        raise invalid(9007, f"Content for {record.type} record is invalid.")
    if record.type == "TXT" and (not record.content or text_of(record.content) is None):
        raise invalid(9207, "Content for TXT record is not well quoted.")
    if record.type == "TXT" and len(record.content) > TEXT_LIMIT:
        raise invalid(9207, f"Content for TXT record has more than {TEXT_LIMIT} characters.")


def _refuse_bad_address(record: Record) -> None:
    version, code = (4, 9005) if record.type == "A" else (6, 9006)
    try:
        fits = ipaddress.ip_address(record.content).version == version
    except ValueError:
        fits = False
    if not fits:
        raise invalid(code, f"Content for {record.type} record must be a valid IPv{version} address.")


def _is_host(content: str) -> bool:
    name = content.lower().rstrip(".")
    return len(name) <= 253 and "." in name and all(_LABEL.fullmatch(label) for label in name.split("."))


def _kept_content(record: Record) -> str:
    """The stored content: a host without trailing dot, a text in strings of at most 255 bytes."""
    if record.type in HOSTS:
        return record.content.rstrip(".")
    if record.type == "TXT" and longest_string(record.content) > 255:
        return quoted(text_of(record.content) or "")
    return record.content


def _refuse_clash(world: World, rows: Rows, record: Record) -> None:
    others = [row for row in rows.values() if row.name == record.name and row.id != record.id]
    if any(_identity(row) == _identity(record) for row in others):
        raise problem(400, world.settings.identical_record_code)
    kinds = {row.type for row in others}
    if record.type == "CNAME" and kinds:
        raise problem(400, 81056 if kinds == {"NS"} else 81053)
    if "CNAME" in kinds:
        raise problem(400, 81054)
    texts = [row.content for row in [*others, record] if row.type == "TXT"]
    if record.type == "TXT" and sum(map(len, texts)) > NAME_TEXT_LIMIT:
        raise invalid(9207, f"The TXT records of a name have at most {NAME_TEXT_LIMIT} characters together.")


def _identity(record: Record) -> tuple[str, str | None, int | None]:
    content = text_of(record.content) if record.type == "TXT" else record.content.lower()
    return record.type, content, record.priority
