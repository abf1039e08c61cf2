"""API keys: the row, the scopes and the text `kd_live_<key id>_<secret>` or `kd_test_<key id>_<secret>`.

Only a hash of the secret is stored.
"""

import base64
import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from kindling.errors import Forbidden, LiveKeyRequired
from kindling.platform.text import Flag, SingleLine

TOKEN = re.compile(r"kd_(live|test)_([a-z0-9]{16})_([A-Za-z0-9-]{43,64})")
KEY_ID_LENGTH = 16
# `created_by` of a key that was written with AWS credentials and not with another key.
OPERATOR = "operator"
MOST_OVERLAP_HOURS = 7 * 24


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    PROVISION = "provision"
    SEND = "send"
    ADMIN = "admin"


class Key(BaseModel):
    """An API key's row. Instants are ISO 8601, UTC."""

    key_id: str
    user_id: str
    name: str
    live: bool
    scopes: frozenset[Scope]
    secret_hash: str
    created_at: str
    # The id of the key with which it was created.
    created_by: str = OPERATOR
    expires_at: str | None = None
    revoked_at: str | None = None
    # Written at most once an hour.
    last_used_at: str | None = None
    rotated_from: str | None = None
    rotated_to: str | None = None
    # A hash of the request's body; only for requests with an Idempotency-Key.
    request_hash: str | None = None

    def active(self, now: str) -> bool:
        """Whether the key is valid at `now`: neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def wire(self) -> dict[str, Any]:
        """The key as the API returns it, without its secret."""
        shown = self.model_dump(mode="json", exclude={"secret_hash", "request_hash", "key_id", "scopes"})
        prefix = f"kd_{environment(live=self.live)}_{self.key_id}"
        return shown | {"id": self.key_id, "prefix": prefix, "scopes": sorted(self.scopes)}


class CreateKey(BaseModel):
    """The body of `POST /api/keys`. Without `live`, the new key has the environment of the caller's key."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[SingleLine, Field(min_length=1, max_length=100)]
    scopes: frozenset[Scope] = Field(default=frozenset({Scope.READ}), min_length=1)
    live: bool | None = None
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)


class RevokeKey(BaseModel):
    """The query of `DELETE /api/keys/{id}`; `force` ends the last key that can make keys, too."""

    model_config = ConfigDict(extra="forbid")

    force: Flag = False


class RotateKey(BaseModel):
    """The body of `POST /api/keys/{id}/rotate`. The old key stays valid for `overlap_hours`."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(default=24, ge=0, le=MOST_OVERLAP_HOURS)


@dataclass(frozen=True)
class Caller:
    """The tenant that sent a request, with the properties of the key it used and the request's id."""

    user_id: str
    key_id: str
    live: bool
    scopes: frozenset[Scope]
    expires_at: str | None = None
    name: str = ""
    request_id: str = ""

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the key has the scope."""
        if scope not in self.scopes:
            raise Forbidden(f"This API key lacks the scope '{scope}'.", required_scope=scope)

    def require_live(self) -> None:
        """Raises LiveKeyRequired for a test key, which never reaches a provider."""
        if not self.live:
            raise LiveKeyRequired("A test key never reaches a provider: use a live key for this.")


@dataclass(frozen=True)
class Issued:
    """A new key with its text, which only this answer shows. `rotated` is the key that it replaces.

    `repeated` is true when an earlier request with the same Idempotency-Key created it.
    """

    key: Key
    api_key: str
    rotated: Key | None = None
    repeated: bool = False

    def wire(self) -> dict[str, Any]:
        """The answer of the API, the key's text included."""
        answer = {"key": self.key.wire() | {"api_key": self.api_key}}
        return answer | {"rotated": self.rotated.wire()} if self.rotated else answer


class Permissions(Protocol):
    """The environment, scopes and expiry of a key: `Key` and `Caller` have them."""

    @property
    def live(self) -> bool: ...
    @property
    def scopes(self) -> frozenset[Scope]: ...
    @property
    def expires_at(self) -> str | None: ...


def why_not_revoke(own: Permissions, key: Permissions) -> str | None:
    """Why the caller's `own` key may not revoke `key`, as a sentence; None when it may."""
    if key.live and not own.live:
        return "A test key makes and ends test keys only."
    lacking = sorted(key.scopes - own.scopes)
    if lacking:
        return f"This API key lacks {', '.join(lacking)}: it makes and ends no key that has more scopes than itself."
    return None


def why_not_create(own: Permissions, key: Permissions) -> str | None:
    """Why the caller's `own` key may not create `key`, as a sentence; None when it may.

    A key may not create one with more scopes, a live key from a test key, or one that expires later.
    """
    reason = why_not_revoke(own, key)
    if reason:
        return reason
    if own.expires_at is not None and (key.expires_at is None or key.expires_at > own.expires_at):
        return f"This API key ends at {own.expires_at}: it makes no key that outlives it."
    return None


@dataclass(frozen=True)
class Token:
    """The parts of a key's text."""

    live: bool
    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"kd_{environment(live=self.live)}_{self.key_id}_{self.secret}"


def environment(*, live: bool) -> str:
    """The name of the environment: `live` or `test`."""
    return "live" if live else "test"


def new_token(*, live: bool) -> Token:
    """A random token whose secret has 256 bits."""
    letters = string.ascii_lowercase + string.digits
    key_id = "".join(secrets.choice(letters) for _ in range(KEY_ID_LENGTH))
    return Token(live, key_id, _secret(secrets.token_bytes(32)))


def derived_token(identity: bytes, secret: bytes, *, live: bool) -> Token:
    """The token with an id from the first 80 bits of `identity` and the 32 bytes `secret` as its secret."""
    return Token(live, base64.b32encode(identity)[:KEY_ID_LENGTH].decode().lower(), _secret(secret))


def read_token(text: str) -> Token | None:
    """Parse a key's text; None when it is malformed."""
    match = TOKEN.fullmatch(text)
    return Token(match[1] == "live", match[2], match[3]) if match else None


def _secret(random: bytes) -> str:
    # Without underscores, which separate the parts of a token.
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode().replace("_", "-")
