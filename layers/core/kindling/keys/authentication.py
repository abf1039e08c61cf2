"""Authenticating a request by the API key in its `Authorization` header.

Every failure has the same message. The log names the kind of failure, and contains no part of the key.
"""

import hashlib
import hmac
from datetime import timedelta

from kindling.errors import StoreUnavailable, Unauthorized
from kindling.keys import quota, store
from kindling.keys.model import Caller, Key, Token, read_token
from kindling.platform import clock, table
from kindling.platform.observability import logger

REFUSED = "The API key is missing, malformed, unknown, revoked or expired."
# Also the longest time for which an execution environment accepts a key after it was revoked.
CACHE_SECONDS = 60
CACHE_KEYS = 1000
# The precision of `last_used_at`, so that not every use of a key costs a write.
USE_RECORDED_EVERY = timedelta(hours=1)

_cache: dict[str, tuple[float, Key]] = {}


def authenticate(header: str | None, address: str, request_id: str = "", *, anew: bool = False) -> Caller:
    """The caller to whom the key in an `Authorization` header belongs; `address` is the client's IP address.

    With `anew`, the key's row is read again although it is in the cache.

    Raises Unauthorized, always with the same message, or QuotaExceeded once the address has failed too often. Then only
    keys that this environment has in its cache are checked: guessing costs no reads, while other clients behind the
    same address can go on.
    """
    scheme, _, text = (header or "").partition(" ")
    token = read_token(text.strip()) if scheme.lower() == "bearer" else None
    if token is None or token.key_id not in _cache:
        quota.refuse_failing(address)
    key = _look_up(token.key_id, anew=anew) if token else None
    expected = key.secret_hash if key else hash_secret("")
    # Also for an unknown id, so that the response time does not tell whether the id exists.
    matches = hmac.compare_digest(hash_secret(token.secret if token else ""), expected)
    reason = _failure_reason(header, token, key, matches=matches)
    if reason or key is None:
        logger.warning("authentication refused", reason=reason)
        count = quota.count_failure if header else quota.count_anonymous
        count(address)
        raise Unauthorized(REFUSED)
    _record_use(key)
    return Caller(key.user_id, key.key_id, key.live, key.scopes, key.expires_at, key.name, request_id)


def evict(key_id: str) -> None:
    """Remove a key whose row has changed from this environment's cache."""
    _cache.pop(key_id, None)


def hash_secret(secret: str) -> str:
    """The SHA-256 hash of a key's secret, as its row stores it."""
    # The secret has 256 random bits: a slow hash would add cost and no safety.
    return hashlib.sha256(secret.encode()).hexdigest()


def _failure_reason(header: str | None, token: Token | None, key: Key | None, *, matches: bool) -> str | None:
    """The kind of failure, for the log; None when the key is valid."""
    if token is None:
        return "malformed" if header else "missing"
    if key is None:
        return "unknown"
    if not matches or key.live != token.live:
        return "wrong text"
    if key.revoked_at:
        return "revoked"
    return None if key.active(clock.timestamp()) else "expired"


def _look_up(key_id: str, *, anew: bool) -> Key | None:
    """The key's row, cached for `CACHE_SECONDS`. An unknown id is not cached, so that a new key works immediately."""
    now = clock.monotonic()
    cached = _cache.get(key_id)
    if cached and cached[0] > now and not anew:
        return cached[1]
    key = store.get(key_id)
    if key is None:
        _cache.pop(key_id, None)
        return None
    if len(_cache) >= CACHE_KEYS:
        _cache.clear()
    _cache[key_id] = (now + CACHE_SECONDS, key)
    return key


def _record_use(key: Key) -> None:
    """Update `last_used_at` at most every `USE_RECORDED_EVERY`. The request does not fail when that fails."""
    now = clock.now()
    since = clock.timestamp(now - USE_RECORDED_EVERY)
    if key.last_used_at and key.last_used_at > since:
        return
    # Set in the cached row first, so that a failed write is not repeated by every request.
    key.last_used_at = clock.timestamp(now)
    try:
        store.record_use(key.key_id, key.last_used_at, since)
    except table.ConditionFailed:
        return
    except StoreUnavailable:
        logger.warning("use of a key not noted", key_id=key.key_id, exc_info=True)
