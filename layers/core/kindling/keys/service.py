"""Who calls, and may they: issuing, checking and revoking API keys."""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import timedelta

from kindling import clock
from kindling.errors import Forbidden, NotFound, Unauthorized
from kindling.keys import store
from kindling.keys.model import Caller, CreateKey, Key, Scope, Token, new_token, read_token

# Also the longest time for which a revoked key still opens a warm execution environment.
CACHE_SECONDS = 60
CACHE_KEYS = 1000

_seen: dict[str, tuple[float, Key]] = {}


def authenticate(header: str | None) -> Caller:
    """The caller that an `Authorization` header names. Raises Unauthorized, always with the same sentence."""
    scheme, _, text = (header or "").partition(" ")
    token = read_token(text.strip()) if scheme.lower() == "bearer" else None
    key = _look_up(token.key_id) if token else None
    secret = token.secret if token else ""
    known = key.secret_hash if key else _hash("")
    # An unknown id costs the same comparison as a wrong secret.
    same = hmac.compare_digest(_hash(secret), known)
    if not (token and key and same and key.live == token.live) or key.revoked_at or _expired(key):
        raise Unauthorized("The API key is missing, malformed, unknown, revoked or expired.")
    return Caller(key.user_id, key.key_id, key.live, key.scopes)


def require(caller: Caller, scope: Scope) -> None:
    """Raises Forbidden unless the caller's key has `scope`."""
    if scope not in caller.scopes:
        raise Forbidden(f"This API key lacks the scope '{scope}'.", required_scope=scope)


def create(caller: Caller, command: CreateKey) -> Key:
    """Make a key for the caller's tenant. Its text is in `api_key`, here and never again.

    Raises Forbidden for scopes that the caller's own key lacks.
    """
    for scope in command.scopes:
        require(caller, scope)
    token = new_token(live=command.live)
    days = command.expires_in_days
    expires_at = clock.timestamp(clock.now() + timedelta(days=days)) if days else None
    key = _write(caller.user_id, token, command.scopes, command.name, expires_at)
    return key.model_copy(update={"api_key": str(token)})


def seed(user_id: str, token: str, scopes: Iterable[str], name: str) -> None:
    """Write the row of a key whose text exists already. Raises ValueError when it is not a key's text."""
    known = read_token(token)
    if known is None:
        raise ValueError("not the text of an API key")
    _write(user_id, known, frozenset(Scope(scope) for scope in scopes), name, None)


def list_keys(caller: Caller) -> list[Key]:
    """The tenant's keys, newest first, without their secrets."""
    return store.list_of(caller.user_id)


def revoke(caller: Caller, key_id: str) -> Key:
    """End a key for good. Raises NotFound when the tenant has no such key; repeating is harmless."""
    key = store.revoke(caller.user_id, key_id, clock.timestamp())
    if key is None:
        raise NotFound("There is no such API key.")
    _seen.pop(key_id, None)
    return key


def _write(user_id: str, token: Token, scopes: frozenset[Scope], name: str, expires_at: str | None) -> Key:
    key = Key(
        key_id=token.key_id,
        user_id=user_id,
        name=name,
        live=token.live,
        scopes=scopes,
        secret_hash=_hash(token.secret),
        created_at=clock.timestamp(),
        expires_at=expires_at,
    )
    store.put(key)
    return key


def _look_up(key_id: str) -> Key | None:
    """The key's row, from memory for `CACHE_SECONDS`; absence is not remembered, so a new key works at once."""
    now = clock.monotonic()
    kept = _seen.get(key_id)
    if kept and kept[0] > now:
        return kept[1]
    key = store.get(key_id)
    if key is None:
        return None
    if len(_seen) >= CACHE_KEYS:
        _seen.clear()
    _seen[key_id] = (now + CACHE_SECONDS, key)
    return key


def _expired(key: Key) -> bool:
    return key.expires_at is not None and clock.parse(key.expires_at) <= clock.now()


def _hash(secret: str) -> str:
    # The secret has 256 random bits: a slow hash would add cost and no safety.
    return hashlib.sha256(secret.encode()).hexdigest()
