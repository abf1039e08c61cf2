"""The zones that the sandbox's Cloudflare hosts, and the records in them."""

import hashlib
import re

from local.sandbox.world import Record, World

NAME_SERVERS = ["ada.ns.cloudflare.com", "hugo.ns.cloudflare.com"]

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def zone_name_of(name: str) -> str | None:
    """The hosted zone of a name: a second-level domain of `.example` without the prefix `external-`; or None."""
    labels = name.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] != "example":
        return None
    hosted = bool(labels[-2]) and not labels[-2].startswith("external-")
    return ".".join(labels[-2:]) if hosted else None


def zone_id_of(zone_name: str) -> str:
    return hashlib.sha256(zone_name.encode()).hexdigest()[:32]


def open_zone(world: World, zone_name: str) -> str:
    """The zone's id. A zone is created on first use."""
    zone_id = zone_id_of(zone_name)
    if zone_id not in world.zones:
        world.zones[zone_id] = zone_name
        world.changes += 1
    return zone_id


def records_at(world: World, name: str, kind: str) -> list[Record]:
    """The records of a hosted zone at a name, of one type."""
    zone_name = zone_name_of(name)
    if zone_name is None:
        return []
    records = world.records.get(zone_id_of(zone_name), {}).values()
    return [record for record in records if record.name == name.lower() and record.type == kind]


def text_of(content: str) -> str | None:
    """A TXT record's text: its quoted strings, joined; None when the quoting is invalid."""
    if '"' not in content:
        return content
    if _QUOTED.sub("", content).strip():
        return None
    return "".join(re.sub(r"\\(.)", r"\1", chunk) for chunk in _QUOTED.findall(content))


def quoted(text: str) -> str:
    """A text as quoted strings of at most 255 bytes each."""
    data = text.encode()
    chunks = [data[start : start + 255].decode(errors="replace") for start in range(0, len(data), 255)]
    escaped = [chunk.replace("\\", "\\\\").replace('"', '\\"') for chunk in chunks]
    return " ".join(f'"{chunk}"' for chunk in escaped)


def longest_string(content: str) -> int:
    """The length in bytes of the longest string in a TXT content."""
    chunks = _QUOTED.findall(content) if '"' in content else [content]
    return max((len(chunk.encode()) for chunk in chunks), default=0)
