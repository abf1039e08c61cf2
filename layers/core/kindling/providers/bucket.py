"""A token bucket for the rate limit of a provider's workspace, shared by all functions through one item of the table.

The item holds one number, `full_at`: when the bucket will be full again (generic cell rate algorithm). A token moves it
ahead by one interval, in one conditional write. A token that is still to come is taken the same way and waited for, so
that callers are served in turn. When the provider asks for fewer requests, `full_at` moves ahead by the wait that it
asks for, and all functions wait.

The bucket protects the provider. When DynamoDB does not answer, a request is sent without a token.
"""

from dataclasses import dataclass
from threading import Lock

from kindling.errors import StoreUnavailable
from kindling.platform import clock, table
from kindling.platform.observability import logger

MICROSECONDS = 1_000_000
# Tokens are taken ahead for a second at most, and at most this fraction of the bucket: others cannot use them.
LEASE_SECONDS = 1.0
LARGEST_LEASE_DIVISOR = 16
# The longest time that a provider can have everyone wait. A bucket that claims to be full much later was written
# by a clock that was wrong; it is not believed.
LONGEST_REST_SECONDS = 600.0
PLAUSIBLE_SECONDS = LONGEST_REST_SECONDS + 60.0


@dataclass(frozen=True)
class Rate:
    """Requests per second on average, and how many may be sent at once. 0 per second is no limit."""

    per_second: float
    burst: int = 1


class Exhausted(Exception):
    """No token comes in the time that the caller has; one comes in `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no token for {seconds:.1f} s")
        self.seconds = seconds


class TokenBucket:
    """The bucket of one provider, as this execution environment uses it; `owner` is the tenant whose own one it is."""

    def __init__(self, provider: str, rate: Rate, owner: str = "") -> None:
        self._key = {"pk": "#".join(filter(None, ("PROVIDER", provider.lower(), owner))), "sk": "BUCKET"}
        self._limited = rate.per_second > 0
        self._interval = round(MICROSECONDS / rate.per_second) if self._limited else 0
        self._capacity = rate.burst * self._interval
        self._largest_lease = max(rate.burst // LARGEST_LEASE_DIVISOR, 1)
        # What was last seen of `full_at`, which decides which of the two writes is tried first.
        self._full_at = 0
        self._leased = self._left = 0
        self._lease_ends_at = 0.0
        self._lock = Lock()

    def take(self, patience: float) -> float:
        """Take a token; returns the seconds until it may be used. Raises Exhausted for more than `patience` seconds."""
        if not self._limited:
            return 0.0
        with self._lock:
            busy = clock.monotonic() < self._lease_ends_at
            if busy and self._left:
                self._left -= 1
                return 0.0
            wanted = max(min(2 * self._leased, self._largest_lease), 1) if busy else 1
            try:
                wait = self._draw(wanted, patience)
            except StoreUnavailable:
                logger.warning("provider request sent without a token", provider=self._key["pk"], exc_info=True)
                return 0.0
            self._lease_ends_at = clock.monotonic() + LEASE_SECONDS
            return wait

    def rest(self, seconds: float) -> None:
        """Have all functions wait for `seconds`, at most `LONGEST_REST_SECONDS`, before their next request."""
        if not self._limited:
            return
        now = _now()
        until = now + self._capacity + round(min(seconds, LONGEST_REST_SECONDS) * MICROSECONDS)
        with self._lock:
            self._leased = self._left = 0
            try:
                table.update(
                    self._key,
                    waits=False,
                    UpdateExpression="SET full_at = :until",
                    ConditionExpression="attribute_not_exists(full_at) OR full_at < :until OR full_at > :implausible",
                    ExpressionAttributeValues={":until": until, ":implausible": self._implausible(now)},
                )
            except table.ConditionFailed:
                return
            except StoreUnavailable:
                logger.warning("a provider's wait was not shared", provider=self._key["pk"], exc_info=True)
                return
            self._full_at = until

    def _draw(self, n: int, patience: float) -> float:
        """Take `n` tokens at once, or one as soon as there is one; the seconds until then. Raises Exhausted."""
        # Each failed condition tells what `full_at` is; only a change in between makes another round.
        while True:
            now, cost = _now(), n * self._interval
            latest = now + self._capacity + (round(patience * MICROSECONDS) if n == 1 else 0) - cost
            running = now <= self._full_at <= self._implausible(now)
            if running and self._full_at > latest:
                if n == 1:
                    raise Exhausted((self._full_at + cost - now - self._capacity) / MICROSECONDS)
                n = 1
                continue
            try:
                self._full_at = self._add(cost, now, latest) if running else self._restart(cost, now)
            except table.ConditionFailed as lost:
                self._full_at = int((lost.item or {}).get("full_at", 0))
                continue
            self._leased, self._left = n, n - 1
            return max((self._full_at - now - self._capacity) / MICROSECONDS, 0.0)

    def _add(self, cost: int, now: int, latest: int) -> int:
        """Draw from a bucket that is not full. Raises ConditionFailed."""
        changed = table.update(
            self._key,
            waits=False,
            UpdateExpression="SET full_at = full_at + :cost",
            ConditionExpression="full_at >= :now AND full_at <= :latest",
            ExpressionAttributeValues={":cost": cost, ":now": now, ":latest": latest},
            ReturnValues="UPDATED_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return int(changed["full_at"])

    def _restart(self, cost: int, now: int) -> int:
        """Draw from a full bucket. Raises ConditionFailed."""
        table.update(
            self._key,
            waits=False,
            UpdateExpression="SET full_at = :after",
            ConditionExpression="attribute_not_exists(full_at) OR full_at < :now OR full_at > :implausible",
            ExpressionAttributeValues={":after": now + cost, ":now": now, ":implausible": self._implausible(now)},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        return now + cost

    def _implausible(self, now: int) -> int:
        return now + self._capacity + round(PLAUSIBLE_SECONDS * MICROSECONDS)


def _now() -> int:
    """Microseconds since 1970."""
    return round(clock.now().timestamp() * MICROSECONDS)
