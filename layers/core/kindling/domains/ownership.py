"""Proof that a tenant owns a domain: the challenge to publish in DNS, and what is recorded about it.

The challenge is a TXT record at exactly `_kindling.<domain>`: records of a parent domain do not count, and CNAMEs are
not followed. Its text is derived from tenant and name with the deployment's secret, so nobody can guess another
tenant's. It stays the same when the tenant deletes and registers the domain again, and changes when the tenant loses
the name to another one, so that a record left behind proves nothing.
"""

import base64
from datetime import datetime, timedelta

from pydantic import BaseModel

from kindling.platform import clock
from kindling.providers.model import DnsRecord

LABEL = "_kindling"
PREFIX = "kindling-verification="
# How often the challenge of a verified domain is checked.
LOOK_EVERY = timedelta(hours=24)
# The delay of the next check when the last one gave no clear answer.
LOOK_AGAIN = timedelta(hours=1)
# How long the challenge of a verified domain may be missing before the domain becomes pending.
GRACE = timedelta(hours=72)


class Ownership(BaseModel):
    """A domain's challenge and the results of its checks. Instants are ISO 8601, UTC.

    `proven_at` is when the challenge was last seen in DNS, `looked_at` when DNS last gave a clear answer,
    `missing_since` the first of the checks in a row that did not find it.
    """

    challenge: str = ""
    proven_at: str | None = None
    looked_at: str | None = None
    missing_since: str | None = None

    @property
    def proven(self) -> bool:
        """Whether the last clear answer of DNS contained the challenge."""
        return self.proven_at is not None and self.missing_since is None

    @property
    def lost(self) -> bool:
        """Whether the challenge has been missing for `GRACE`, from the first check that missed it to the last."""
        if self.missing_since is None or self.looked_at is None:
            return False
        return clock.parse(self.looked_at) - clock.parse(self.missing_since) >= GRACE

    def after(self, shown: bool | None, now: datetime) -> "Ownership":
        """The state after a check; unchanged when DNS gave no clear answer (`shown` is None)."""
        if shown is None:
            return self
        checked_at = clock.timestamp(now)
        if shown:
            return Ownership(challenge=self.challenge, proven_at=checked_at, looked_at=checked_at)
        return self.model_copy(update={"looked_at": checked_at, "missing_since": self.missing_since or checked_at})

    def due(self, now: datetime) -> datetime:
        """When the challenge of a verified domain is checked next."""
        last = clock.parse(self.looked_at) if self.looked_at else now
        return last + LOOK_EVERY if last + LOOK_EVERY > now else now + LOOK_AGAIN

    def wire(self) -> dict[str, str | bool | None]:
        """The state as `/api/email/domains` returns it; `in_use_until` is null unless a proven challenge is missing."""
        missing = self.proven_at is not None and self.missing_since
        until = clock.timestamp(clock.parse(self.missing_since) + GRACE) if missing and self.missing_since else None
        return {
            "verified": self.proven,
            "verified_at": self.proven_at,
            "checked_at": self.looked_at,
            "missing_since": self.missing_since if missing else None,
            "in_use_until": until,
        }


def challenge_text(derived: bytes) -> str:
    """The text of a challenge: 160 bits in base32, whose letters and digits no DNS editor changes."""
    return PREFIX + base64.b32encode(derived[:20]).decode().lower()


def record(domain: str, ownership: Ownership) -> DnsRecord:
    """The TXT record to publish."""
    return DnsRecord(type="TXT", name=f"{LABEL}.{domain}", value=ownership.challenge)


def reason_missing(domain: str) -> str:
    """The reason of a domain that the provider has verified and whose challenge is not in DNS."""
    return (
        f"The TXT record {LABEL}.{domain} with this domain's ownership challenge is not in DNS yet: "
        "add it to the domain's zone and verify again."
    )


def reason_unclear(domain: str) -> str:
    """The reason of a domain for whose challenge DNS gave no clear answer."""
    return f"DNS gave no clear answer about {LABEL}.{domain}; it is asked again."


def reason_taken(domain: str) -> str:
    """The reason of a domain whose challenge is in DNS next to that of the tenant that verified the name last."""
    return (
        f"Another tenant has verified {domain} and its challenge still stands at {LABEL}.{domain}: "
        "remove that record there and verify again to take the domain over."
    )


def reason_taken_over(domain: str) -> str:
    """The reason of a domain whose name another tenant has taken over."""
    return (
        f"Another tenant has proven that it owns {domain}, and this domain's own challenge was gone: "
        f"publish the new record at {LABEL}.{domain} and verify again if it is yours."
    )


def reason_expiring(domain: str, ownership: Ownership) -> str:
    """The reason of a verified domain whose challenge is missing, within the grace period."""
    shown = ownership.wire()
    return (
        f"The TXT record {LABEL}.{domain} has not been in DNS since {shown['missing_since']}: publish it again "
        f"before {shown['in_use_until']}, or the domain can no longer be used for sending and new accounts."
    )


def reason_expired(domain: str, ownership: Ownership) -> str:
    """The reason of a domain that is no longer verified because its grace period has ended."""
    return (
        f"The TXT record {LABEL}.{domain} has not been in DNS since {ownership.missing_since}: "
        "publish it again and verify."
    )
