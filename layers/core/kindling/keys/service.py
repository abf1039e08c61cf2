"""Issuing, rotating and ending API keys. A key never makes or ends what it is not itself.

Issuing may be repeated under an Idempotency-Key although a secret is kept nowhere. Under such a key the new key's id
and secret are not drawn but derived, from the deployment's secret, the tenant, the environment, the route and the
Idempotency-Key; a repeat derives the same text, finds the row that the first request wrote, and shows it again. The
row holds hashes of the secret and of what was asked for, and decides, as long as an answer is replayed elsewhere,
whether the repeat is one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import timedelta

from pydantic import BaseModel

from kindling.errors import Conflict, IdempotencyKeyReused, KeyExceedsMaker, LastAdminKey, NotFound, Unauthorized
from kindling.keys import quota, store
from kindling.keys.authentication import REFUSED, forget, hashed
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
    exceeds,
    new_token,
    overreaches,
    read_token,
)
from kindling.platform import clock, table
from kindling.platform.derived import derive

REPEATABLE = timedelta(hours=24)


def create(caller: Caller, command: CreateKey, *, idempotency_key: str | None = None) -> Issued:
    """Make a key for the caller's tenant.

    Raises KeyExceedsMaker, Unauthorized when the caller's key has ended, QuotaExceeded, IdempotencyKeyReused, and
    Conflict for a repeat that comes too late.
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
    kept = _kept(made)
    if kept:
        return Issued(_repeated(maker, made, kept), str(token), repeated=True)
    _require_within(exceeds(maker, made))
    quota.admit_creation(caller)
    try:
        store.make(made, maker)
    except table.TransactionFailed as lost:
        return Issued(_made_meanwhile(caller, made, lost), str(token), repeated=True)
    return Issued(made, str(token))


def rotate(caller: Caller, key_id: str, command: RotateKey, *, idempotency_key: str | None = None) -> Issued:
    """Make a key that takes another's place, and let that one end after the overlap, unless it ends before.

    Raises as `create` does, NotFound when the tenant has no such key, and Conflict when it has ended or was rotated.
    """
    maker, old = _maker(caller), _own(caller, key_id)
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
    kept = _kept(made)
    if kept:
        return Issued(_repeated(maker, made, kept), str(token), old, repeated=True)
    _require_within(exceeds(maker, made))
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
        kept = _made_meanwhile(caller, made, lost)
        return Issued(kept, str(token), _own(caller, key_id), repeated=True)
    forget(key_id)
    return Issued(made, str(token), old.model_copy(update={"expires_at": ends_at, "rotated_to": made.key_id}))


def seed(user_id: str, token: str, scopes: Iterable[str], name: str, expires_in_days: int | None = None) -> None:
    """Write the row of a key whose text exists already. Raises ValueError when it is not a key's text."""
    known = read_token(token)
    if known is None:
        raise ValueError("not the text of an API key")
    allowed = frozenset(Scope(scope) for scope in scopes)
    store.put(_row(user_id, known, allowed, name, expires_at=_in_days(expires_in_days)))


def list_keys(caller: Caller) -> list[Key]:
    """The tenant's keys, newest first, without their secrets."""
    return store.list_of(caller.user_id)


def revoke(caller: Caller, key_id: str, *, force: bool) -> Key:
    """End a key for good; repeating is harmless.

    Raises NotFound when the tenant has no such key, KeyExceedsMaker, and LastAdminKey when the tenant would have no
    live key left that can make keys, unless `force` says that it may be so.
    """
    key = _own(caller, key_id)
    _require_within(overreaches(caller, key))
    now = clock.timestamp()
    if key.revoked_at:
        return key
    if force or not _administers(key, now):
        _end(key, now)
    elif not any(_end(key, now, beside=other) for other in _others(caller, key, now)):
        message = "This is the last active live key with the scope 'admin': with it, nobody can make another."
        raise LastAdminKey(f"{message} Add ?force=true to end it all the same.")
    forget(key_id)
    return _own(caller, key_id)


def _end(key: Key, now: str, *, beside: Key | None = None) -> bool:
    """Whether the key is revoked, by this call or by somebody meanwhile; not when the one `beside` it has changed."""
    try:
        store.revoke(key.key_id, now, beside=beside)
    except table.TransactionFailed as lost:
        return lost.items[0] is not None
    return True


def _others(caller: Caller, key: Key, now: str) -> Iterator[Key]:
    """The tenant's other keys that can make keys, as they stand at this moment; the caller's own is tried first.

    An index only proposes them: it may be late.
    """
    proposed = [caller.key_id, *(found.key_id for found in store.list_of(caller.user_id) if _administers(found, now))]
    for key_id in dict.fromkeys(proposed):
        other = store.get(key_id)
        if other and other.user_id == caller.user_id and key_id != key.key_id and _administers(other, now):
            yield other


def _administers(key: Key, now: str) -> bool:
    return key.live and Scope.ADMIN in key.scopes and key.active(now)


def _maker(caller: Caller) -> Key:
    """The row of the caller's key as it stands now, not as it is remembered. Raises Unauthorized when it has ended."""
    key = store.get(caller.key_id)
    if key is None or not key.active(clock.timestamp()):
        forget(caller.key_id)
        raise Unauthorized(REFUSED)
    return key


def _own(caller: Caller, key_id: str) -> Key:
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
    text = {"key_id": token.key_id, "live": token.live, "secret_hash": hashed(token.secret)}
    return Key.model_validate(row | text | more)


def _request_hash(command: BaseModel, idempotency_key: str | None) -> str | None:
    if idempotency_key is None:
        return None
    # A set has no order of its own.
    asked = json.dumps(command.model_dump(), default=sorted, sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _kept(made: Key) -> Key | None:
    """The row that an earlier request under the same Idempotency-Key wrote."""
    return store.get(made.key_id) if made.request_hash else None


def _made_meanwhile(caller: Caller, made: Key, lost: table.TransactionFailed) -> Key:
    """The row of the same request, which was faster; anything else in the way is an error to raise."""
    maker, place = _maker(caller), lost.items[0]
    if not place:
        raise Conflict("An API key that this request depends on was changed meanwhile; try again.")
    return _repeated(maker, made, Key.model_validate(place))


def _repeated(maker: Key, made: Key, kept: Key) -> Key:
    """The row of a repeated request, whose text may be shown again."""
    if kept.request_hash != made.request_hash:
        raise IdempotencyKeyReused("This Idempotency-Key came with another body before.")
    if kept.revoked_at:
        raise Conflict("The API key that was made under this Idempotency-Key is revoked.")
    if clock.parse(kept.created_at) + REPEATABLE < clock.now():
        raise Conflict("The API key that was made under this Idempotency-Key is over a day old, and not shown again.")
    # Its own maker may have been given an end since; to any other it must not lend what that one lacks.
    own = kept.created_by == maker.key_id
    _require_within(overreaches(maker, kept) if own else exceeds(maker, kept))
    return kept


def _require_within(excess: str | None) -> None:
    if excess:
        raise KeyExceedsMaker(excess)


def _in_days(days: int | None) -> str | None:
    return clock.timestamp(clock.now() + timedelta(days=days)) if days else None
