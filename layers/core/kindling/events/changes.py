"""What a change in the table says: the event of a record of its stream, or none. Pure.

Records are those of DynamoDB Streams with both images. What an event shows of a row is named here, so that a new
attribute stays inside until somebody adds it.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kindling.events.model import Event
from kindling.platform import clock
from kindling.platform.table import Item

# Digits of a sequence: the number of a record in DynamoDB's stream has up to 40.
SEQUENCE_DIGITS = 40
# An event stays small whatever a row holds.
MOST_CHARACTERS = 2_000
INSERT, MODIFY, REMOVE = "INSERT", "MODIFY", "REMOVE"

DOMAIN = ("id", "domain", "type", "status", "status_reason", "verified_at", "created_at", "updated_at")
ACCOUNT = (
    "id",
    "domain_id",
    "email_address",
    "status",
    "warmup_status",
    "warmup_enabled",
    "warmup_reason",
    "created_at",
    "updated_at",
)
WARMING = ("domain_id", "from_phase", "to_phase", "reason", "detail", "triggered_by", "created_at")
OPERATION = ("operation_id", "kind", "subject_id", "name", "state", "failure", "created_at", "updated_at")
SUPPRESSION = ("email", "reason", "source", "created_at")
WEBHOOK = ("id", "url", "failing_since", "disabled_at")
SHOWN = {
    "domain": DOMAIN,
    "account": ACCOUNT,
    "warming": WARMING,
    "operation": OPERATION,
    "suppression": SUPPRESSION,
    "webhook": WEBHOOK,
}


@dataclass(frozen=True)
class Change:
    """A record of the stream: the row before and after, each None when there is none."""

    pk: str
    sk: str
    sequence: str
    at: datetime
    old: Item | None
    new: Item | None

    @property
    def row(self) -> Item:
        return self.new or self.old or {}

    @property
    def kind(self) -> str:
        """INSERT, MODIFY or REMOVE, by the images."""
        return INSERT if self.old is None else REMOVE if self.new is None else MODIFY


def change_of(record: Item, image: Callable[[Any], Item | None]) -> Change:
    """The change in a record; `image` reads the typed JSON of a row."""
    told = record["dynamodb"]
    return Change(
        pk=told["Keys"]["pk"]["S"],
        sk=told["Keys"]["sk"]["S"],
        sequence=str(told["SequenceNumber"]).zfill(SEQUENCE_DIGITS),
        at=datetime.fromtimestamp(float(told["ApproximateCreationDateTime"]), UTC),
        old=image(told.get("OldImage")),
        new=image(told.get("NewImage")),
    )


def event_of(change: Change) -> Event | None:
    """The event of a change; None for what changes no state."""
    tenant, _, rest = change.pk.removeprefix("TENANT#").partition("#")
    if not change.pk.startswith("TENANT#"):
        return None
    kind, _, identity = change.sk.partition("#")
    if rest:
        # The entries of a domain's history are all that has a partition of its own and is told.
        place, _, domain_id = rest.partition("#")
        if place != "WARMING" or change.kind != INSERT:
            return None
        return _event(change, tenant, f"warming.{change.row['to_phase']}", f"warming/{domain_id}", WARMING)
    match kind:
        case "DOMAIN":
            return _of_status(change, tenant, "domain", identity, "status", DOMAIN)
        case "ACCOUNT":
            return _of_status(change, tenant, "account", identity, "warmup_status", ACCOUNT)
        case "OPERATION":
            if change.kind == REMOVE or not _moved(change, "state"):
                return None
            return _event(
                change, tenant, f"operation.{change.row['state']}", f"operation/{identity}", OPERATION, "state"
            )
        case "SUPPRESSION" if change.kind != MODIFY:
            name = "created" if change.kind == INSERT else "deleted"
            return _event(change, tenant, f"suppression.{name}", f"suppression/{identity}", SUPPRESSION)
        case "WEBHOOK" if change.kind == MODIFY and _moved(change, "enabled") and not change.row["enabled"]:
            return _event(change, tenant, "webhook.disabled", f"webhook/{identity}", WEBHOOK)
    return None


def _of_status(
    change: Change, tenant: str, kind: str, identity: str, status: str, shown: tuple[str, ...]
) -> Event | None:
    if change.kind == MODIFY and not _moved(change, status):
        return None
    names = {INSERT: "created", REMOVE: "deleted"}
    name = names.get(change.kind) or str(change.row[status])
    return _event(change, tenant, f"{kind}.{name}", f"{kind}/{identity}", shown, status)


def _moved(change: Change, attribute: str) -> bool:
    return (change.old or {}).get(attribute) != (change.new or {}).get(attribute)


def _event(
    change: Change, tenant: str, name: str, subject: str, shown: tuple[str, ...], status: str | None = None
) -> Event:
    data = {field: _short(change.row[field]) for field in shown if field in change.row}
    if status and change.kind == MODIFY:
        data["previous"] = (change.old or {}).get(status)
    instant = change.row.get("updated_at") or change.row.get("created_at")
    known = instant if change.kind != REMOVE and instant else clock.timestamp(change.at)
    identity = f"{change.pk}\n{change.sk}\n{change.sequence}"
    return Event(
        user_id=tenant,
        id=str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
        type=name,
        created_at=known,
        subject=subject,
        sequence=change.sequence,
        data=data,
    )


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _short(part) for name, part in value.items()}
    if isinstance(value, Decimal):
        return int(value)
    return value[:MOST_CHARACTERS] if isinstance(value, str) else value
