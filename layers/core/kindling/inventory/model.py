"""The inventory's findings: a provider's resource without a row, or a row without its resource."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel

from kindling.platform import clock
from kindling.platform.tenancy import SHARED

# How long a finding has to last before its resource is removed, and the least age of a row whose resource is missed.
GRACE = timedelta(hours=24)


class Provider(StrEnum):
    """A provider whose resources are listed. Its findings change only when its own listing was complete."""

    MAIL = "agentmail"
    WARMUP = "instantly"
    DNS = "cloudflare"


class Kind(StrEnum):
    """The kind of resource that is orphaned or gone."""

    INBOX = "inbox"
    MAIL_DOMAIN = "mail_domain"
    WARMUP_ACCOUNT = "warmup_account"
    TAG = "tag"
    DNS_RECORDS = "dns_records"


PROVIDERS = {
    Kind.INBOX: Provider.MAIL,
    Kind.MAIL_DOMAIN: Provider.MAIL,
    Kind.WARMUP_ACCOUNT: Provider.WARMUP,
    Kind.TAG: Provider.WARMUP,
    Kind.DNS_RECORDS: Provider.DNS,
}


class Problem(StrEnum):
    """`ORPHAN`: neither a row nor a cleanup names the resource. `GONE`: the resource of a row does not exist."""

    ORPHAN = "orphan"
    GONE = "gone"


class Sighting(BaseModel):
    """A problem that one run has seen.

    `target` is the resource's address, name or label; `subject_id` is the account or domain to which it belonged.
    `user_id` is the tenant who sees the finding; None for the operator. `safe` is true when the resource provably
    belonged to an account or domain that has ended, so that it may be removed. `workspace` is the owner of the one that
    was listed: a tenant, or `SHARED`.
    """

    kind: Kind
    problem: Problem
    target: str
    subject_id: str = ""
    user_id: str | None = None
    message: str
    safe: bool = False
    workspace: str = SHARED

    def removable(self, user_id: str | None, message: str) -> Self:
        """The same, as safe to remove, with the tenant and the message to show."""
        return self.model_copy(update={"user_id": user_id, "safe": True, "message": message})

    def seen_in(self, workspace: str, used: str) -> Self:
        """The same, seen in a workspace, of a tenant that uses the workspace `used`.

        What is not where its tenant works is not removed, since a cleanup would look for it there.
        """
        elsewhere = {} if used == workspace else {"user_id": None, "safe": False}
        return self.model_copy(update={"workspace": workspace, **elsewhere})


class Finding(Sighting):
    """A sighting with the times of the first and the last run that saw it. Instants are ISO 8601, UTC."""

    first_seen_at: str
    last_seen_at: str

    @property
    def acts_at(self) -> str | None:
        """When the resource may be removed; None when it is only reported."""
        return clock.timestamp(clock.parse(self.first_seen_at) + GRACE) if self.safe else None

    def wire(self) -> dict[str, Any]:
        """The finding as the API returns it."""
        return self.model_dump(mode="json", exclude={"user_id", "workspace"}) | {"acts_at": self.acts_at}


def record(sighting: Sighting, before: Finding | None, now: datetime) -> Finding:
    """The finding for a sighting, given the finding before it. The grace starts again when `safe` has changed."""
    first = before.first_seen_at if before and before.safe == sighting.safe else clock.timestamp(now)
    return Finding(**sighting.model_dump(), first_seen_at=first, last_seen_at=clock.timestamp(now))
