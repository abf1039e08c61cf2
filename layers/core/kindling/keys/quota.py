"""Quotas: how often a tenant and a key may ask, how much they may create, and how often an address may fail.

Every function counts in the same items, and yet most requests cost nothing: an execution environment takes requests
out of the window in leases of 1, 2, 4 … up to a 32nd of the quota. So an idle environment writes once in a window and
a busy one for every seventh request or so, and no more is ever leased than the quota. What is refused is refused
from memory until the window ends.

These limits keep the service fair. They are not the gate: when they cannot be counted, requests are let through.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from math import ceil

from kindling.errors import QuotaExceeded, StoreUnavailable
from kindling.keys import store
from kindling.keys.model import Caller
from kindling.platform import clock, table
from kindling.platform.observability import logger
from kindling.platform.settings import settings

REQUEST_SECONDS = 10
CREATE_SECONDS = 3600
FAILURE_SECONDS = 60
# The time for which a window's item outlives it, for environments whose clocks are late.
LINGER_SECONDS = 60
MEMORY = 10_000
# No lease is larger than this part of a quota: what an environment has leased and does not use, no other can.
SHARES = 32
TOTAL = "total"


@dataclass(frozen=True)
class Quota:
    """`limit` is what the setting `name` says; `most` is what that makes in a window of `counter`."""

    name: str
    limit: int
    most: int
    counter: str = TOTAL


@dataclass(frozen=True)
class Meter:
    """What `who` does of a `kind`, in windows of so many seconds, each quota of which must have room."""

    who: str
    kind: str
    seconds: int
    quotas: tuple[Quota, ...]

    @property
    def name(self) -> tuple[str, ...]:
        return (self.who, self.kind, *(quota.counter for quota in self.quotas))


@dataclass
class Lease:
    """What this environment may still admit in the window that starts at `window`, in seconds since 1970.

    `size` is how much was leased at last. With `refused`, there is no more in this window.
    """

    window: int
    size: int = 0
    left: int = 0
    refused: Quota | None = None


_leases: dict[tuple[str, ...], Lease] = {}


def admit_request(caller: Caller) -> None:
    """Count a request for its tenant and its key. Raises QuotaExceeded."""
    tenant, key = settings().tenant_requests_per_second, settings().key_requests_per_second
    quotas = (
        Quota("tenant_requests_per_second", tenant, tenant * REQUEST_SECONDS),
        Quota("key_requests_per_second", key, key * REQUEST_SECONDS, caller.key_id),
    )
    meter = Meter(caller.user_id, "REQUESTS", REQUEST_SECONDS, quotas)
    _take(meter)


def admit_creation(caller: Caller) -> None:
    """Count something that is about to be created, each with a write of its own. Raises QuotaExceeded."""
    tenant, key = settings().tenant_creates_per_hour, settings().key_creates_per_hour
    quotas = (
        Quota("tenant_creates_per_hour", tenant, tenant),
        Quota("key_creates_per_hour", key, key, caller.key_id),
    )
    _take(Meter(caller.user_id, "CREATES", CREATE_SECONDS, quotas), ahead=False)


def count_failure(address: str) -> None:
    """Count an authentication that failed. Raises QuotaExceeded when its address has failed too often."""
    _take(_failures(address))


def count_silence(address: str) -> None:
    """Count a request without a key, in this environment's memory only. Raises QuotaExceeded."""
    meter = _failures(address, "SILENCES")
    lease = _lease(meter)
    if not lease.size:
        lease.size = lease.left = meter.quotas[0].most
    elif not lease.left:
        lease.refused = meter.quotas[0]
    _spend(lease, meter)


def require_patience(address: str) -> None:
    """Raises QuotaExceeded when this environment knows that the address has failed too often."""
    meter = _failures(address)
    lease = _lease(meter)
    if lease.refused:
        _spend(lease, meter)


def _failures(address: str, kind: str = "FAILURES") -> Meter:
    limit = settings().failed_authentications_per_minute
    quota = Quota("failed_authentications_per_minute", limit, limit)
    return Meter(_disguised(address), kind, FAILURE_SECONDS, (quota,))


def _disguised(address: str) -> str:
    """A hash of an address, or of the /64 network of an IPv6 one, which its owner can change at will.

    It is no secret to whoever tries all addresses. A keyed hash would be; but then every function would need the
    deployment's secret, from which API keys are derived.
    """
    try:
        known = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else address
    except ValueError:
        network = address
    return hashlib.sha256(f"address {network}".encode()).hexdigest()


def _take(meter: Meter, *, ahead: bool = True) -> None:
    """Take one out of the lease, or out of a new one: twice the last one when it may be taken `ahead`."""
    lease = _lease(meter)
    if not (lease.refused or lease.left):
        largest = min(quota.most for quota in meter.quotas) // SHARES
        _extend(lease, meter, max(min(2 * lease.size, largest), 1) if ahead else 1)
    _spend(lease, meter)


def _lease(meter: Meter) -> Lease:
    """The lease of the window that runs now, which may have nothing left."""
    window = int(clock.now().timestamp()) // meter.seconds * meter.seconds
    lease = _leases.get(meter.name)
    if lease is None or lease.window != window:
        if len(_leases) >= MEMORY:
            _leases.clear()
        lease = _leases[meter.name] = Lease(window)
    return lease


def _extend(lease: Lease, meter: Meter, wanted: int) -> None:
    """Lease `wanted` or what is left, down to one; otherwise the lease is refused."""
    n = min(wanted, *(quota.most for quota in meter.quotas))
    most = {quota.counter: quota.most for quota in meter.quotas}
    expires_at = lease.window + meter.seconds + LINGER_SECONDS
    # Each lost try means that less is left than was wanted: it ends.
    while True:
        try:
            store.count(meter.who, f"{meter.kind}#{lease.window}", n, most, expires_at)
        except table.ConditionFailed as lost:
            room, tightest = _room(meter, lost.item or {})
            if room < 1:
                lease.refused = tightest
                return
            n = min(n, room)
        except StoreUnavailable:
            logger.warning("quota not counted", kind=meter.kind, exc_info=True)
            break
        else:
            break
    lease.size = lease.left = n


def _room(meter: Meter, counters: dict[str, int]) -> tuple[int, Quota]:
    """How much the tightest quota has left."""
    rooms = [(quota.most - int(counters.get(quota.counter, 0)), quota) for quota in meter.quotas]
    return min(rooms, key=lambda found: found[0])


def _spend(lease: Lease, meter: Meter) -> None:
    if lease.refused is None:
        lease.left -= 1
        return
    wait = max(ceil(lease.window + meter.seconds - clock.now().timestamp()), 1)
    quota = lease.refused
    raise QuotaExceeded(
        f"The quota {quota.name} of {quota.limit} is used up: try again in {wait} s.",
        quota=quota.name,
        limit=quota.limit,
        retry_after_seconds=wait,
    )
