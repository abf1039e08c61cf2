"""Who calls, and may they: what an `Authorization` header is worth.

A refusal says the same whatever was wrong; the log tells which kind of thing it was, and no part of the text.
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
# Also the longest time for which a revoked key still opens a warm execution environment.
CACHE_SECONDS = 60
CACHE_KEYS = 1000
# `last_used_at` is as coarse as this, so that using a key does not cost a write each time.
STAMPED_EVERY = timedelta(hours=1)

_seen: dict[str, tuple[float, Key]] = {}


def authenticate(header: str | None, address: str) -> Caller:
    """The caller that a header names, from a network address.

    Raises Unauthorized, always with the same sentence. Raises QuotaExceeded instead once the address has failed too
    often: then only keys that this environment has seen before are looked at, so that guessing costs no look-ups
    and a client that shares the address goes on.
    """
    scheme, _, text = (header or "").partition(" ")
    token = read_token(text.strip()) if scheme.lower() == "bearer" else None
    if token is None or token.key_id not in _seen:
        quota.require_patience(address)
    key = _look_up(token.key_id) if token else None
    known = key.secret_hash if key else hashed("")
    # An unknown id costs the same comparison as a wrong secret.
    same = hmac.compare_digest(hashed(token.secret if token else ""), known)
    reason = _reason(header, token, key, same=same)
    if reason or key is None:
        logger.warning("authentication refused", reason=reason)
        count = quota.count_failure if header else quota.count_silence
        count(address)
        raise Unauthorized(REFUSED)
    _stamp(key)
    return Caller(key.user_id, key.key_id, key.live, key.scopes, key.expires_at)


def forget(key_id: str) -> None:
    """Look a key up again at its next use: its row has changed."""
    _seen.pop(key_id, None)


def hashed(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would add cost and no safety.
    return hashlib.sha256(secret.encode()).hexdigest()


def _reason(header: str | None, token: Token | None, key: Key | None, *, same: bool) -> str | None:
    """The kind of thing that is wrong, None for nothing."""
    if token is None:
        return "malformed" if header else "missing"
    if key is None:
        return "unknown"
    if not same or key.live != token.live:
        return "wrong text"
    if key.revoked_at:
        return "revoked"
    return None if key.active(clock.timestamp()) else "expired"


def _look_up(key_id: str) -> Key | None:
    """The key's row, from memory for `CACHE_SECONDS`; absence is not remembered, so a new key works at once."""
    now = clock.monotonic()
    kept = _seen.get(key_id)
    if kept and kept[0] > now:
        return kept[1]
    key = store.get(key_id)
    if key is None:
        _seen.pop(key_id, None)
        return None
    if len(_seen) >= CACHE_KEYS:
        _seen.clear()
    _seen[key_id] = (now + CACHE_SECONDS, key)
    return key


def _stamp(key: Key) -> None:
    """Note now and then that the key is used. That it could not be noted is not its user's trouble."""
    now = clock.now()
    since = clock.timestamp(now - STAMPED_EVERY)
    if key.last_used_at and key.last_used_at > since:
        return
    # Not tried again for a while, whatever comes of it.
    key.last_used_at = clock.timestamp(now)
    try:
        store.stamp(key.key_id, key.last_used_at, since)
    except table.ConditionFailed:
        return
    except StoreUnavailable:
        logger.warning("use of a key not noted", key_id=key.key_id, exc_info=True)
