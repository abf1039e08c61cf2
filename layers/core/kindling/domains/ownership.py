"""Whose a domain is: the challenge that a tenant has to publish in its DNS, and what a look at DNS means.

The TXT record stands at `_kindling.<domain>` and at no other name: nothing is inherited from a parent, and nothing
is followed to an alias. Its text is bound to tenant and name by the deployment's secret, so that nobody can publish
another tenant's. It stays the same when the tenant deletes the domain and begins again, and changes for whoever has
lost the name to another tenant: a record that he left behind proves nothing any more.
"""

import base64
from datetime import datetime, timedelta

from pydantic import BaseModel

from kindling.platform import clock
from kindling.providers.model import DnsRecord

LABEL = "_kindling"
PREFIX = "kindling-verification="
# A domain in use is looked at this often.
LOOK_EVERY = timedelta(hours=24)
# After a look that gave no clear answer.
LOOK_AGAIN = timedelta(hours=1)
# How long a challenge may be gone, from the first look that misses it to the one that takes the domain out of use.
GRACE = timedelta(hours=72)


class Ownership(BaseModel):
    """What is known of a domain's challenge; instants are ISO 8601, UTC. `proven_at` is when it was seen last."""

    challenge: str = ""
    proven_at: str | None = None
    looked_at: str | None = None
    missing_since: str | None = None

    @property
    def proven(self) -> bool:
        return self.proven_at is not None and self.missing_since is None

    @property
    def lost(self) -> bool:
        """Whether the last look missed the challenge, and one that was `GRACE` earlier did too."""
        if self.missing_since is None or self.looked_at is None:
            return False
        return clock.parse(self.looked_at) - clock.parse(self.missing_since) >= GRACE

    def after(self, shown: bool | None, now: datetime) -> "Ownership":
        """What is known after a look: the challenge stood there, stood not there, or nobody can tell (None)."""
        if shown is None:
            return self
        at = clock.timestamp(now)
        if shown:
            return Ownership(challenge=self.challenge, proven_at=at, looked_at=at)
        return self.model_copy(update={"looked_at": at, "missing_since": self.missing_since or at})

    def due(self, now: datetime) -> datetime:
        """When a domain in use is looked at next."""
        last = clock.parse(self.looked_at) if self.looked_at else now
        return last + LOOK_EVERY if last + LOOK_EVERY > now else now + LOOK_AGAIN

    def wire(self) -> dict[str, str | bool | None]:
        """The proof as `/api/email/domains` shows it; `in_use_until` while the challenge is missing."""
        missing = self.proven_at is not None and self.missing_since
        until = clock.timestamp(clock.parse(self.missing_since) + GRACE) if missing and self.missing_since else None
        return {
            "verified": self.proven,
            "verified_at": self.proven_at,
            "checked_at": self.looked_at,
            "missing_since": self.missing_since if missing else None,
            "in_use_until": until,
        }


def spell(derived: bytes) -> str:
    """The text of a challenge: 160 bits in base32, which every DNS editor keeps as it is."""
    return PREFIX + base64.b32encode(derived[:20]).decode().lower()


def record(domain: str, ownership: Ownership) -> DnsRecord:
    """The record that proves who owns the domain."""
    return DnsRecord(type="TXT", name=f"{LABEL}.{domain}", value=ownership.challenge)


def missing(domain: str) -> str:
    """Why a domain with all other records is not verified."""
    return (
        f"The TXT record {LABEL}.{domain} with this domain's ownership challenge is not in DNS yet: "
        "add it to the domain's zone and verify again."
    )


def unknown(domain: str) -> str:
    """Why a domain waits although nothing is known to be missing."""
    return f"DNS gave no clear answer about {LABEL}.{domain}; it is asked again."


def held(domain: str) -> str:
    """Why a challenge that stands there is not enough."""
    return (
        f"Another tenant has verified {domain} and its challenge still stands at {LABEL}.{domain}: "
        "remove that record there and verify again to take the domain over."
    )


def moved(domain: str) -> str:
    """What a tenant is told whose domain another one took over."""
    return (
        f"Another tenant has proven that it owns {domain}, and this domain's own challenge was gone: "
        f"publish the new record at {LABEL}.{domain} and verify again if it is yours."
    )


def going(domain: str, ownership: Ownership) -> str:
    """What is told while a domain in use misses its challenge."""
    shown = ownership.wire()
    return (
        f"The TXT record {LABEL}.{domain} has not been in DNS since {shown['missing_since']}: publish it again "
        f"before {shown['in_use_until']}, or the domain can no longer be used for sending and new accounts."
    )


def gone(domain: str, ownership: Ownership) -> str:
    """Why a domain that was verified is so no longer."""
    return (
        f"The TXT record {LABEL}.{domain} has not been in DNS since {ownership.missing_since}: "
        "publish it again and verify."
    )
