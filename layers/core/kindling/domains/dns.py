"""What has to change in a zone so that a domain's records stand in it. Pure: it looks at lists, not at Cloudflare."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kindling.domains.model import DnsConflict
from kindling.providers.model import DnsRecord, ZoneRecord, plain

# What every record of ours begins its comment with.
MARK = "kindling "
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MARKED = re.compile(f"{MARK}({_ID})/({_ID})")
# A second record of these kinds at one name makes the first one invalid to its readers.
SINGLE_TXT = ("v=spf1", "v=DKIM1", "v=DMARC1")


@dataclass
class DnsPlan:
    add: list[DnsRecord] = field(default_factory=list)
    remove: list[ZoneRecord] = field(default_factory=list)
    conflicts: list[DnsConflict] = field(default_factory=list)


def mark(user_id: str, domain_id: str) -> str:
    """The comment that says a record is ours, and whose; 82 characters of the 100 that a comment may have."""
    return f"{MARK}{user_id}/{domain_id}"


def marked(comment: str | None) -> tuple[str, str] | None:
    """Whose record it is, tenant and domain; None for one that is not ours."""
    found = _MARKED.fullmatch(comment or "")
    return (found[1], found[2]) if found else None


def plan(wanted: Sequence[DnsRecord], standing: list[ZoneRecord], ours: str) -> DnsPlan:
    """Add what is missing, replace what is ours and outdated, never touch what does not carry `ours`, the mark."""
    result = DnsPlan()
    for record in wanted:
        rivals = [other for other in standing if _is_rival(record, other)]
        if any(_is_same(record, other) for other in rivals):
            rivals = [other for other in rivals if not _is_same(record, other)]
        else:
            result.add.append(record)
        for other in rivals:
            if other.comment == ours:
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
    """Whether `other` stands where `record` must stand alone."""
    if other.name != record.name.lower().rstrip("."):
        return False
    if "CNAME" in (record.type, other.type):
        return True
    if other.type != record.type:
        return False
    if record.type != "TXT":
        return True
    text = plain(record.type, record.value)
    kind = next((kind for kind in SINGLE_TXT if text.startswith(kind)), None)
    return _is_same(record, other) or (kind is not None and other.value.startswith(kind))


def _is_same(record: DnsRecord, other: ZoneRecord) -> bool:
    return (
        other.type == record.type
        and other.value == plain(record.type, record.value)
        and (record.type != "MX" or other.priority == record.priority)
    )
