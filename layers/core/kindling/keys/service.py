"""Creating, rotating and revoking API keys. No key can create or revoke one with more permissions than its own.

Creating and rotating are idempotent under an Idempotency-Key, although no secret is stored. With such a header the new
key's id and secret are not random: they are derived from the deployment's secret, the tenant, the environment, the
route and the Idempotency-Key. A repeated request derives the same text and returns it again, for the 24 hours in which
other routes replay their answers, after comparing the hash of its body with the one in the key's row.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic import BaseModel

from kindling.errors import Conflict, IdempotencyKeyReused, KeyExceedsMaker, LastAdminKey, NotFound, Unauthorized
from kindling.keys import quota, store
from kindling.keys.authentication import REFUSED, evict, hash_secret
from kindling.keys.model import (
    Caller,
    CreateKey,
    Issued,
    Key,
    RotateKey,
    Scope,
    Token,
    derived_token,
    environment,
    new_token,
    read_token,
    why_not_create,
    why_not_revoke,
)
from kindling.platform import clock, table
from kindling.platform.derived import derive
from kindling.platform.paging import Page, Paging

# How long a repeated request is answered with the same key; as long as `kindling.entry.replay` keeps answers.
REPEATABLE = timedelta(hours=24)


def create(caller: Caller, command: CreateKey, *, idempotency_key: str | None = None) -> Issued:
    """Create a key for the caller's tenant. It expires no later than the caller's key.

    Raises KeyExceedsMaker, Unauthorized when the caller's key was revoked or has expired, QuotaExceeded,
    IdempotencyKeyReused, and Conflict for a repeated request that comes after 24 hours or whose key was revoked.
    """
    maker = _maker(caller)
    live = maker.live if command.live is None else command.live
    token = _token(caller, "POST /api/keys", idempotency_key, live=live)
    made = _row(
        caller.user_id,
        token,
        command.scopes,
        command.name,
        expires_at=_in_days(command.expires_in_days) or maker.expires_at,
        created_by=maker.key_id,
        request_hash=_request_hash(command, idempotency_key),
    )
    existing = _existing(made)
    if existing:
        return Issued(_require_repeat(maker, made, existing), str(token), repeated=True)
    _require(why_not_create(maker, made))
    quota.admit_creation(caller)
    try:
        store.make(made, maker)
    except table.TransactionFailed as lost:
        return Issued(_made_concurrently(caller, made, lost), str(token), repeated=True)
    return Issued(made, str(token))


def rotate(caller: Caller, key_id: str, command: RotateKey, *, idempotency_key: str | None = None) -> Issued:
    """Create a key that replaces another one, which then expires after the overlap at the latest.

    Raises what `create` raises, NotFound, and Conflict when the old key is not valid any more or was rotated before.
    """
    maker, old = _maker(caller), _load(caller, key_id)
    token = _token(caller, f"POST /api/keys/{key_id}/rotate", idempotency_key, live=old.live)
    made = _row(
        caller.user_id,
        token,
        old.scopes,
        old.name,
        expires_at=old.expires_at,
        created_by=maker.key_id,
        rotated_from=old.key_id,
        request_hash=_request_hash(command, idempotency_key),
    )
    existing = _existing(made)
    if existing:
        return Issued(_require_repeat(maker, made, existing), str(token), old, repeated=True)
    _require(why_not_create(maker, made))
    if not old.active(clock.timestamp()):
        raise Conflict("This API key has ended; only a key that still opens can be rotated.")
    if old.rotated_to:
        raise Conflict(f"This API key was rotated already: {old.rotated_to} took its place.")
    quota.admit_creation(caller)
    overlap = clock.timestamp(clock.now() + timedelta(hours=command.overlap_hours))
    ends_at = min(overlap, old.expires_at or overlap)
    try:
        store.replace(made, old, maker, ends_at)
    except table.TransactionFailed as lost:
        existing = _made_concurrently(caller, made, lost)
        return Issued(existing, str(token), _load(caller, key_id), repeated=True)
    evict(key_id)
    return Issued(made, str(token), old.model_copy(update={"expires_at": ends_at, "rotated_to": made.key_id}))


def seed(user_id: str, token: str, scopes: Iterable[str], name: str, expires_in_days: int | None = None) -> None:
    """Write the row of a key with a given text, as the operator. An existing row is not changed.

    Raises ValueError when the text is not that of a key.
    """
    parsed = read_token(token)
    if parsed is None:
        raise ValueError("not the text of an API key")
    allowed = frozenset(Scope(scope) for scope in scopes)
    store.put(_row(user_id, parsed, allowed, name, expires_at=_in_days(expires_in_days)))


def list_keys(caller: Caller, paging: Paging) -> Page[Key]:
    """The tenant's keys, newest first, without their secrets."""
    return store.page_of(caller.user_id, paging)


def revoke(caller: Caller, key_id: str, *, force: bool) -> Key:
    """Revoke a key. Idempotent.

    Raises NotFound, KeyExceedsMaker, and, without `force`, LastAdminKey when no valid live key with the scope `admin`
    would be left to the tenant.
    """
    key = _load(caller, key_id)
    _require(why_not_revoke(caller, key))
    now = clock.timestamp()
    if key.revoked_at:
        return key
    if force or not _is_admin(key, now):
        _revoke(key, now)
    elif not any(_revoke(key, now, if_unchanged=other) for other in _other_admins(caller, key, now)):
        message = "This is the last active live key with the scope 'admin': with it, nobody can make another."
        raise LastAdminKey(f"{message} Add ?force=true to end it all the same.")
    evict(key_id)
    return _load(caller, key_id)


def _revoke(key: Key, now: str, *, if_unchanged: Key | None = None) -> bool:
    """Whether the key is revoked now, by this or a concurrent call; False when the other key has changed."""
    try:
        store.revoke(key.key_id, now, if_unchanged=if_unchanged)
    except table.TransactionFailed as lost:
        return lost.items[0] is not None
    return True


def _other_admins(caller: Caller, key: Key, now: str) -> Iterator[Key]:
    """The tenant's other admin keys, consistently read; the caller's own key comes first."""
    # The index may lag: each key that it lists is read again.
    listed = (other.key_id for other in store.list_of(caller.user_id) if _is_admin(other, now))
    for key_id in dict.fromkeys([caller.key_id, *listed]):
        other = store.get(key_id)
        if other and other.user_id == caller.user_id and key_id != key.key_id and _is_admin(other, now):
            yield other


def _is_admin(key: Key, now: str) -> bool:
    return key.live and Scope.ADMIN in key.scopes and key.active(now)


def _maker(caller: Caller) -> Key:
    """The row of the caller's key, read again and not from the cache. Raises Unauthorized when it is not valid."""
    key = store.get(caller.key_id)
    if key is None or not key.active(clock.timestamp()):
        evict(caller.key_id)
        raise Unauthorized(REFUSED)
    return key


def _load(caller: Caller, key_id: str) -> Key:
    key = store.get(key_id)
    if key is None or key.user_id != caller.user_id:
        raise NotFound("There is no such API key.")
    return key


def _token(caller: Caller, route: str, idempotency_key: str | None, *, live: bool) -> Token:
    if idempotency_key is None:
        return new_token(live=live)
    parts = (caller.user_id, environment(live=caller.live), route, idempotency_key)
    return derived_token(derive("api-key id", *parts), derive("api-key", *parts), live=live)


def _row(user_id: str, token: Token, scopes: frozenset[Scope], name: str, **more: str | None) -> Key:
    row = {"user_id": user_id, "name": name, "scopes": scopes, "created_at": clock.timestamp()}
    text = {"key_id": token.key_id, "live": token.live, "secret_hash": hash_secret(token.secret)}
    return Key.model_validate(row | text | more)


def _request_hash(command: BaseModel, idempotency_key: str | None) -> str | None:
    if idempotency_key is None:
        return None
    # Sets are sorted, because their order differs from process to process.
    body = json.dumps(command.model_dump(), default=sorted, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _existing(made: Key) -> Key | None:
    """The row that an earlier request with the same Idempotency-Key wrote."""
    return store.get(made.key_id) if made.request_hash else None


def _made_concurrently(caller: Caller, made: Key, lost: table.TransactionFailed) -> Key:
    """The row that the same request has written meanwhile. Raises Conflict when another condition failed."""
    maker, existing = _maker(caller), lost.items[0]
    if not existing:
        raise Conflict("An API key that this request depends on was changed meanwhile; try again.")
    return _require_repeat(maker, made, Key.model_validate(existing))


def _require_repeat(maker: Key, made: Key, existing: Key) -> Key:
    """The existing row, if the request that derived `made` repeats the one that wrote it and may see it again.

    Raises IdempotencyKeyReused, Conflict, KeyExceedsMaker.
    """
    if existing.request_hash != made.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key came with another body before.")
    if existing.revoked_at:
        raise Conflict("The API key that was made under this Idempotency-Key is revoked.")
    if clock.parse(existing.created_at) + REPEATABLE < clock.now():
        raise Conflict("The API key that was made under this Idempotency-Key is over a day old, and not shown again.")
    # The key that created it may have been rotated since and then expires earlier: the expiry is not compared. Any
    # other key must have all permissions of the one it is shown.
    own = existing.created_by == maker.key_id
    _require(why_not_revoke(maker, existing) if own else why_not_create(maker, existing))
    return existing


def _require(objection: str | None) -> None:
    """Raises KeyExceedsMaker with the objection, if there is one."""
    if objection:
        raise KeyExceedsMaker(objection)


def _in_days(days: int | None) -> str | None:
    return clock.timestamp(clock.now() + timedelta(days=days)) if days else None
