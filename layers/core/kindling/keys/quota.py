"""Quotas: requests and creations per tenant and key, and failed authentications per client address.

Counters are shared by all functions. So that most requests cost no write, each execution environment leases requests
of a window in blocks of 1, 2, 4 … up to a 32nd of the quota: an idle environment writes once per window, a busy one
about every seventh request, and all leases together never exceed the quota. Once a quota is used up, the environment
refuses from memory until the window ends.

Quotas protect the service from overload. They are not the sending limits of `kindling.warming.gate`: when DynamoDB is
unavailable, requests are admitted without being counted.
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
# How long the counters of a window are kept after its end, for environments whose clocks are behind.
RETENTION_SECONDS = 60
MAX_LEASES = 10_000
# A lease is at most this fraction of a quota, because other environments cannot use what one has leased.
LARGEST_LEASE_DIVISOR = 32
TOTAL = "total"


@dataclass(frozen=True)
class Quota:
    """The setting `name` with its value `limit`, which allows `per_window` in a window of the counter `counter`."""

    name: str
    limit: int
    per_window: int
    counter: str = TOTAL


@dataclass(frozen=True)
class Meter:
    """What is counted: actions of one `kind` by one `subject`, in windows of `seconds`. Every quota must allow them."""

    subject: str
    kind: str
    seconds: int
    quotas: tuple[Quota, ...]

    @property
    def name(self) -> tuple[str, ...]:
        return (self.subject, self.kind, *(quota.counter for quota in self.quotas))


@dataclass
class Lease:
    """What this environment may still admit in the window that starts at `window`, in seconds since 1970.

    `size` is the size of the last lease. `refused` is the quota that is used up until the window ends.
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
    """Count a resource that is about to be created, with one write and without leasing ahead. Raises QuotaExceeded."""
    _take(_creations(caller), ahead=False)


def admit_creations(caller: Caller, n: int) -> None:
    """Count `n` resources that are about to be created, all or none, with one write. Raises QuotaExceeded."""
    meter = _creations(caller)
    lease = _lease(meter)
    room, tightest = _room(meter, {})
    if n <= room:
        try:
            _count(meter, lease, n)
        except table.ConditionFailed as lost:
            room, tightest = _room(meter, lost.item or {})
        except StoreUnavailable:
            logger.warning("quota not counted", kind=meter.kind, exc_info=True)
            return
        else:
            return
    raise _exceeded(tightest, lease, meter, f"has room for {room}, not for {n}")


def _creations(caller: Caller) -> Meter:
    tenant, key = settings().tenant_creates_per_hour, settings().key_creates_per_hour
    quotas = (
        Quota("tenant_creates_per_hour", tenant, tenant),
        Quota("key_creates_per_hour", key, key, caller.key_id),
    )
    return Meter(caller.user_id, "CREATES", CREATE_SECONDS, quotas)


def count_failure(address: str) -> None:
    """Count a failed authentication. Raises QuotaExceeded when the address has failed too often."""
    _take(_failures(address))


def count_anonymous(address: str) -> None:
    """Count a request without a key, in this environment's memory only. Raises QuotaExceeded."""
    meter = _failures(address, "ANONYMOUS")
    lease = _lease(meter)
    if not lease.size:
        lease.size = lease.left = meter.quotas[0].per_window
    elif not lease.left:
        lease.refused = meter.quotas[0]
    _spend(lease, meter)


def refuse_failing(address: str) -> None:
    """Raises QuotaExceeded if the address is known to this environment as having failed too often. Reads nothing."""
    meter = _failures(address)
    lease = _lease(meter)
    if lease.refused:
        _spend(lease, meter)


def _failures(address: str, kind: str = "FAILURES") -> Meter:
    limit = settings().failed_authentications_per_minute
    quota = Quota("failed_authentications_per_minute", limit, limit)
    return Meter(_hash_network(address), kind, FAILURE_SECONDS, (quota,))


def _hash_network(address: str) -> str:
    """A hash of an IPv4 address, or of the /64 network of an IPv6 one, within which a client can choose its address.

    The hash can be reversed by trying all addresses. A keyed one could not, but would need the deployment's secret in
    every function, from which API keys are derived.
    """
    try:
        parsed = ipaddress.ip_address(address)
        network = str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
    except ValueError:
        network = address
    return hashlib.sha256(f"address {network}".encode()).hexdigest()


def _take(meter: Meter, *, ahead: bool = True) -> None:
    """Count one, from the lease or a new one; with `ahead` the new lease is twice the last. Raises QuotaExceeded."""
    lease = _lease(meter)
    if not (lease.refused or lease.left):
        largest = min(quota.per_window for quota in meter.quotas) // LARGEST_LEASE_DIVISOR
        _extend(lease, meter, max(min(2 * lease.size, largest), 1) if ahead else 1)
    _spend(lease, meter)


def _lease(meter: Meter) -> Lease:
    """The lease of the current window; a new one has nothing left."""
    window = int(clock.now().timestamp()) // meter.seconds * meter.seconds
    lease = _leases.get(meter.name)
    if lease is None or lease.window != window:
        if len(_leases) >= MAX_LEASES:
            _leases.clear()
        lease = _leases[meter.name] = Lease(window)
    return lease


def _extend(lease: Lease, meter: Meter, wanted: int) -> None:
    """Lease `wanted`, or as much as is left. Nothing left marks the lease as refused."""
    n = min(wanted, *(quota.per_window for quota in meter.quotas))
    # Ends, because `n` falls with each failed condition: less is left than was requested.
    while True:
        try:
            _count(meter, lease, n)
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


def _count(meter: Meter, lease: Lease, n: int) -> None:
    """Add `n` to the counters of the lease's window. Raises ConditionFailed, StoreUnavailable."""
    limits = {quota.counter: quota.per_window for quota in meter.quotas}
    expires_at = lease.window + meter.seconds + RETENTION_SECONDS
    store.count(meter.subject, f"{meter.kind}#{lease.window}", n, limits, expires_at)


def _room(meter: Meter, counters: dict[str, int]) -> tuple[int, Quota]:
    """The quota with the least left, and how much that is."""
    rooms = [(quota.per_window - int(counters.get(quota.counter, 0)), quota) for quota in meter.quotas]
    return min(rooms, key=lambda room: room[0])


def _spend(lease: Lease, meter: Meter) -> None:
    """Take one out of the lease. Raises QuotaExceeded when it is refused."""
    if lease.refused is None:
        lease.left -= 1
        return
    raise _exceeded(lease.refused, lease, meter, "is used up")


def _exceeded(quota: Quota, lease: Lease, meter: Meter, why: str) -> QuotaExceeded:
    wait = max(ceil(lease.window + meter.seconds - clock.now().timestamp()), 1)
    return QuotaExceeded(
        f"The quota {quota.name} of {quota.limit} {why}: try again in {wait} s.",
        quota=quota.name,
        limit=quota.limit,
        retry_after_seconds=wait,
    )
