"""An event, and the rows of webhooks and deliveries."""

import hashlib
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from kindling.events.addresses import is_loopback, is_public
from kindling.keys.model import MOST_OVERLAP_HOURS
from kindling.platform.paging import Paging
from kindling.platform.settings import settings
from kindling.platform.text import SingleLine

# By the kind of what changes; a domain's warming has one for each phase that is entered.
NAMES = {
    "domain": ("created", "pending", "verifying", "verified", "failed", "deleted"),
    "account": ("created", "warming", "active", "banned", "suspended", "deleted"),
    "warming": ("phase_1", "phase_2", "phase_3", "phase_4", "warmed", "paused", "suspended"),
    "operation": ("running", "undoing", "succeeded", "failed"),
    "suppression": ("created", "deleted"),
    "webhook": ("disabled",),
}
TYPES = tuple(f"{kind}.{name}" for kind, names in NAMES.items() for name in names)
ALL = "*"
PATTERNS = (ALL, *(f"{kind}.*" for kind in NAMES), *TYPES)

MOST_WEBHOOKS = 20  # of one tenant
URL_LENGTH = 2048
# How long a delivery is kept, with its payload, and may be replayed.
KEPT = timedelta(days=30)
# The pauses after the first attempt and each other one that failed: the schedule of Svix (docs.svix.com, "Retry
# schedule"), 27 h 35 min 5 s in all.
RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
# A webhook to which nothing was delivered for so long is disabled.
PATIENCE = timedelta(days=5)


class Event(BaseModel):
    """A change of a state. `sequence` grows with every change of its `subject`, compared as text.

    `data` has what the subject is now, and of a change of its state also `previous`, the state before.
    """

    user_id: str
    id: str
    type: str
    created_at: str
    subject: str
    sequence: str
    data: dict[str, Any]

    def payload(self) -> str:
        """The body of a delivery."""
        return json.dumps(self.model_dump(exclude={"user_id"}), separators=(",", ":"))

    def announcement(self) -> str:
        """The detail on the bus: the body of a delivery, and whose it is."""
        return json.dumps(self.model_dump(), separators=(",", ":"))


class Style(StrEnum):
    """What a webhook is sent: the event, or its sentence as a chat's incoming webhook takes it."""

    STANDARD = "standard"
    CHAT = "chat"


class Webhook(BaseModel):
    """A webhook's row. Its signing secret is derived (`kindling.events.signing`), `generation` counts its rotations.

    `failing_since` is the first failed attempt after the last delivery. Instants are ISO 8601, UTC.
    """

    id: str
    user_id: str
    url: str
    events: list[str]
    style: Style = Style.STANDARD
    enabled: bool = True
    generation: int = 1
    # Tells when the secret of the deployment, from which the signing secret is derived, was replaced.
    fingerprint: str
    # Until when deliveries are also signed with the secret before.
    previous_until: str | None = None
    # The hash of the last rotation's Idempotency-Key.
    rotated_by: str | None = None
    failing_since: str | None = None
    disabled_at: str | None = None
    created_at: str
    updated_at: str

    def wants(self, event_type: str) -> bool:
        """Whether it is sent events of the type."""
        return bool({ALL, f"{event_type.partition('.')[0]}.*", event_type} & set(self.events))

    def wire(self) -> dict[str, Any]:
        """The webhook as the API returns it, with Postscale's names."""
        hidden = {"user_id", "url", "events", "fingerprint", "rotated_by", "generation", "previous_until"}
        row = self.model_dump(mode="json", exclude=hidden)
        shown = {"webhook_url": self.url, "event_types": self.events, "has_secret": True}
        return row | shown | {"previous_secret_until": self.previous_until}


class DeliveryStatus(StrEnum):
    """`held`: the webhook was disabled; `failed`: every attempt was in vain. Both may be replayed."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    HELD = "held"


class Delivery(BaseModel):
    """An event on its way to a webhook, and what became of it. `id` is the event's."""

    id: str
    user_id: str
    webhook_id: str
    event_type: str
    payload: str
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempts: int = 0
    next_attempt_at: str
    response_status: int | None = None
    last_error: str | None = None
    delivered_at: str | None = None
    created_at: str

    def wire(self) -> dict[str, Any]:
        """The delivery as the API returns it."""
        row = self.model_dump(mode="json", exclude={"user_id", "payload", "next_attempt_at"})
        pending = self.status == DeliveryStatus.PENDING
        return row | {"payload": json.loads(self.payload), "next_attempt_at": self.next_attempt_at if pending else None}


def webhook_key(user_id: str, webhook_id: str) -> dict[str, str]:
    """The key of a webhook's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"WEBHOOK#{webhook_id}"}


def delivery_key(user_id: str, webhook_id: str, event_id: str) -> dict[str, str]:
    """The key of a delivery: an event is delivered to a webhook once."""
    return {"pk": f"TENANT#{user_id}", "sk": f"DELIVERY#{webhook_id}#{event_id}"}


def hashed(text: str) -> str:
    """What is kept in place of a text that is only compared."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _url(text: str) -> str:
    """The URL, unchanged. Raises ValueError for one to which nothing is sent."""
    if not text.isascii() or any(character.isspace() for character in text):
        raise ValueError("must be ASCII without spaces, with an international name in its xn-- form")
    parts = urlsplit(text)
    host, _ = parts.hostname, parts.port
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must be a URL with a host, without a user name and without a fragment")
    local = settings().loopback_webhooks_allowed and is_loopback(host)
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise ValueError("must begin with https://")
    if not local and is_public(host) is False:
        raise ValueError("must not be a private or reserved address")
    return text


def _pattern(text: str) -> str:
    if text not in PATTERNS:
        raise ValueError(f"must be one of {', '.join(PATTERNS)}")
    return text


def _sorted(patterns: list[str]) -> list[str]:
    return sorted(set(patterns))


class CreateWebhook(BaseModel):
    """The body of `POST /v1/webhooks`. `events` are types, `<kind>.*` or `*`, which is what it gets without any."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[SingleLine, Field(max_length=URL_LENGTH), AfterValidator(_url)]
    events: Annotated[
        list[Annotated[str, AfterValidator(_pattern)]],
        Field(min_length=1, max_length=len(PATTERNS)),
        AfterValidator(_sorted),
    ] = [ALL]
    style: Style = Style.STANDARD


class RotateSecret(BaseModel):
    """The body of `POST /v1/webhooks/{id}/rotate`. The old secret goes on signing for `overlap_hours`."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(default=24, ge=0, le=MOST_OVERLAP_HOURS)


class Replay(BaseModel):
    """The body of `POST /v1/webhooks/{id}/replay`: one delivery, or all that were not delivered, since an instant."""

    model_config = ConfigDict(extra="forbid")

    delivery_id: Annotated[SingleLine, Field(max_length=64)] | None = None
    since: AwareDatetime | None = None


class ListDeliveries(Paging):
    """The query of `GET /v1/webhooks/{id}/deliveries` and of `GET /v1/webhook-deliveries`."""

    status: DeliveryStatus | None = None

    def matches(self, delivery: Delivery) -> bool:
        """Whether the list shows the delivery."""
        return self.status in (None, delivery.status)


def is_exhausted(failing_since: datetime, now: datetime) -> bool:
    """Whether a webhook that has failed for so long is disabled."""
    return now - failing_since >= PATIENCE
