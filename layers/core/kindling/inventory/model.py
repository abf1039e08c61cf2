"""What an inventory finds: a provider's resource without a row, or a row without its resource."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from pydantic import BaseModel

from kindling.platform import clock

# How long a finding has to last before anything is removed; a row younger than this is not looked for.
GRACE = timedelta(hours=24)


class Provider(StrEnum):
    """The provider that is listed; its resources are classified by a complete listing of it alone."""

    MAIL = "agentmail"
    WARMUP = "instantly"
    DNS = "cloudflare"


class Kind(StrEnum):
    """What is left over, or gone."""

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
    """An orphan is a resource that neither a row nor a cleanup names; a row's resource may be gone."""

    ORPHAN = "orphan"
    GONE = "gone"


class Sighting(BaseModel):
    """What one round sees. `target` is an address, a name or a label; `subject_id` the account or domain it was of.

    It is told to the tenant `user_id`, or to the operator where that is None. `safe` says that it is provably ours and
    ended, so that it may be removed.
    """

    kind: Kind
    problem: Problem
    target: str
    subject_id: str = ""
    user_id: str | None = None
    message: str
    safe: bool = False

    def removable(self, user_id: str | None, message: str) -> Self:
        """The same, provably ended: told to the tenant that it was of, and removed after the grace."""
        return self.model_copy(update={"user_id": user_id, "safe": True, "message": message})


class Finding(Sighting):
    """A sighting with its history; instants are ISO 8601, UTC."""

    first_seen_at: str
    last_seen_at: str

    @property
    def acts_at(self) -> str | None:
        """When what is left over may be removed; None for what is only reported."""
        return clock.timestamp(clock.parse(self.first_seen_at) + GRACE) if self.safe else None

    def wire(self) -> dict[str, Any]:
        """The finding as the API shows it."""
        return self.model_dump(mode="json", exclude={"user_id"}) | {"acts_at": self.acts_at}


def seen(sighting: Sighting, before: Finding | None, now: datetime) -> Finding:
    """The finding that a sighting makes or goes on with; one that became safe only now has its grace from now."""
    first = before.first_seen_at if before and before.safe == sighting.safe else clock.timestamp(now)
    return Finding(**sighting.model_dump(), first_seen_at=first, last_seen_at=clock.timestamp(now))
