"""An entry of the audit log: a request that may change something, and what was answered.

It has neither a body nor a query of the request, and of its path only what looks like an id: no address, and no secret
that was sent where an id belongs.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

from kindling.platform import clock
from kindling.platform.paging import Paging

# For how long an entry is kept: a year, and the weeks that a review of it takes.
KEPT = timedelta(days=400)
# UUIDs, the ids of API keys, and names of domains.
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9]{16}|(?=.{4,253}$)([a-z0-9-]{1,63}\.)+[a-z0-9-]+")


class Outcome(StrEnum):
    """What became of a request.

    `unknown` is one whose answer was never noted: it may have changed everything or nothing. `accepted` is one whose
    operation goes on, `failed` one that was answered 5xx and may have changed a part.
    """

    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"


class Answered(BaseModel):
    """What was answered: the status, an error's code, and the ids of what the answer shows.

    A `replayed` answer was given before, under the same Idempotency-Key, and this time nothing was done.
    """

    status: int
    error: str | None = None
    subject_id: str | None = None
    operation_id: str | None = None
    replayed: bool = False

    @classmethod
    def of(cls, status: int, body: dict[str, Any], *, replayed: bool) -> "Answered":
        """What is kept of an answer."""
        if status >= HTTPStatus.BAD_REQUEST:
            return cls(status=status, error=body["error"])
        operation_id = body.get("operation", {}).get("id")
        return cls(status=status, subject_id=_subject(body), operation_id=operation_id, replayed=replayed)


class Entry(BaseModel):
    """A request. `route` is its path as a pattern, `ids` are the parameters of the path, as far as they are ids."""

    id: str
    user_id: str
    created_at: str
    key_id: str
    key_name: str
    live: bool
    method: str
    route: str
    ids: dict[str, str] = {}
    answered: Answered | None = None

    @property
    def expires(self) -> int:
        """When it is forgotten, in seconds since 1970."""
        return int((clock.parse(self.created_at) + KEPT).timestamp())

    @property
    def outcome(self) -> Outcome:
        status = self.answered.status if self.answered else 0
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Outcome.FAILED
        if status >= HTTPStatus.BAD_REQUEST:
            return Outcome.REFUSED
        if status == HTTPStatus.ACCEPTED:
            return Outcome.ACCEPTED
        return Outcome.SUCCEEDED if status else Outcome.UNKNOWN

    @property
    def subject_id(self) -> str | None:
        """The id of what it was about: that of the answer, or else the last one of its path."""
        shown = self.answered.subject_id if self.answered else None
        return shown or next(reversed(self.ids.values()), None)


class ListEntries(Paging):
    """The query of `GET /v1/audit`. `route` is a path as the document has it, `subject` an id in path or answer.

    `since` is included, `until` is not.
    """

    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    key_id: str = ""
    method: Literal["POST", "PUT", "PATCH", "DELETE"] | None = None
    route: str = ""
    subject: str = ""
    limit: int = Field(default=50, ge=1, le=100)

    def shows(self, entry: Entry) -> bool:
        """Whether the list shows the entry; its place in time aside."""
        return (
            self.key_id in ("", entry.key_id)
            and self.method in (None, entry.method)
            and self.route in ("", entry.route)
            and self.subject.lower() in ("", entry.subject_id, *entry.ids.values())
        )


def known_ids(ids: dict[str, str]) -> dict[str, str]:
    """Those parameters of a path that look like ids."""
    return {name: text for name, text in ids.items() if ID.fullmatch(text)}


def partition(user_id: str, month: str) -> str:
    """The partition key of a tenant's entries of a month, such as `2026-03`.

    A month of one tenant stays small enough: by the quota of requests it takes a tenth of what a partition can write.
    """
    return f"TENANT#{user_id}#AUDIT#{month}"


def entry_key(entry: Entry) -> dict[str, str]:
    return {"pk": partition(entry.user_id, entry.created_at[:7]), "sk": f"{entry.created_at}#{entry.id}"}


def as_item(entry: Entry) -> dict[str, Any]:
    """The attributes of an entry's item."""
    return {**entry_key(entry), **entry.model_dump(mode="json", exclude_defaults=True), "expires_at": entry.expires}


def months(since: str, until: str) -> Iterator[str]:
    """The months of the instants from `since` to `until`, newest first."""
    year, month = int(until[:4]), int(until[5:7])
    while (name := f"{year:04}-{month:02}") >= since[:7]:
        yield name
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)


def _subject(body: dict[str, Any]) -> str | None:
    """The id of what an answer shows, bare or by its name; of an operation, that of what it is about."""
    shown = [part for part in (body, *body.values()) if isinstance(part, dict)]
    found = (part.get(name) for part in shown for name in ("subject_id", "id", "job_id"))
    return next((one for one in found if one and ID.fullmatch(one)), None)
