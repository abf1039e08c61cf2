"""Planning the changes that publish a domain's records in its zone. Pure: no provider is called here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kindling.domains.model import DnsConflict
from kindling.providers.model import DnsRecord, ZoneRecord, canonical_value

# How the comment of every record that Kindling publishes begins.
MARK = "kindling "
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MARKED = re.compile(f"{MARK}({_ID})/({_ID})")
# TXT records of which a name may have only one: receivers ignore or reject several (SPF: RFC 7208, section 4.5).
SINGLE_TXT = ("v=spf1", "v=DKIM1", "v=DMARC1")


@dataclass
class DnsPlan:
    """The records to add and remove, and the tenant's own records that prevent a wanted one."""

    add: list[DnsRecord] = field(default_factory=list)
    remove: list[ZoneRecord] = field(default_factory=list)
    conflicts: list[DnsConflict] = field(default_factory=list)


def mark(user_id: str, domain_id: str) -> str:
    """The comment of a record published for a domain. It has 82 characters; Cloudflare allows 100."""
    return f"{MARK}{user_id}/{domain_id}"


def parse_mark(comment: str | None) -> tuple[str, str] | None:
    """The tenant's and the domain's id in a record's comment; None when Kindling did not publish the record."""
    match = _MARKED.fullmatch(comment or "")
    return (match[1], match[2]) if match else None


def plan(wanted: Sequence[DnsRecord], existing: list[ZoneRecord], own_mark: str) -> DnsPlan:
    """Add missing records and replace outdated ones that carry `own_mark`. Other records are never changed."""
    result = DnsPlan()
    for record in wanted:
        rivals = [other for other in existing if _is_rival(record, other)]
        if any(_is_same(record, other) for other in rivals):
            rivals = [other for other in rivals if not _is_same(record, other)]
        else:
            result.add.append(record)
        for other in rivals:
            if other.comment == own_mark:
                result.remove.append(other)
            else:
                result.conflicts.append(
                    DnsConflict(
                        type=record.type,
                        name=record.name,
                        value=record.value,
                        found=f"{other.type} {other.value}",
                    )
                )
    return result


def _is_rival(record: DnsRecord, other: ZoneRecord) -> bool:
    """Whether `other` is the same as `record`, or cannot exist together with it."""
    if other.name != record.name.lower().rstrip("."):
        return False
    if "CNAME" in (record.type, other.type):
        return True
    if other.type != record.type:
        return False
    if record.type != "TXT":
        return True
    text = canonical_value(record.type, record.value)
    kind = next((kind for kind in SINGLE_TXT if text.startswith(kind)), None)
    return _is_same(record, other) or (kind is not None and other.value.startswith(kind))


def _is_same(record: DnsRecord, other: ZoneRecord) -> bool:
    return (
        other.type == record.type
        and other.value == canonical_value(record.type, record.value)
        and (record.type != "MX" or other.priority == record.priority)
    )
