"""What an API key is. Its text is `kd_live_<keyid>_<secret>` or `kd_test_…`; only a hash of the secret is kept."""

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
# Who made a key whose row was written with AWS credentials and not with another key.
OPERATOR = "operator"
MOST_OVERLAP_HOURS = 7 * 24


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    PROVISION = "provision"
    SEND = "send"
    ADMIN = "admin"


class Key(BaseModel):
    """An API key's row; instants are ISO 8601, UTC."""

    key_id: str
    user_id: str
    name: str
    live: bool
    scopes: frozenset[Scope]
    secret_hash: str
    created_at: str
    # The id of the key that made it.
    created_by: str = OPERATOR
    expires_at: str | None = None
    revoked_at: str | None = None
    # Written at most once an hour.
    last_used_at: str | None = None
    rotated_from: str | None = None
    rotated_to: str | None = None
    # What was asked for, where it was asked for under an Idempotency-Key.
    request_hash: str | None = None

    def active(self, now: str) -> bool:
        """Whether it opens anything at `now`."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)

    def wire(self) -> dict[str, Any]:
        """The key as the API shows it; its secret is not in the row."""
        shown = self.model_dump(mode="json", exclude={"secret_hash", "request_hash", "key_id", "scopes"})
        prefix = f"kd_{environment(live=self.live)}_{self.key_id}"
        return shown | {"id": self.key_id, "prefix": prefix, "scopes": sorted(self.scopes)}


class CreateKey(BaseModel):
    """The body of `POST /api/keys`; `live` left out makes a key of its maker's own kind."""

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
    """The body of `POST /api/keys/{id}/rotate`; for `overlap_hours` the old key opens as well."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: int = Field(default=24, ge=0, le=MOST_OVERLAP_HOURS)


@dataclass(frozen=True)
class Caller:
    """Whoever holds the key of this request."""

    user_id: str
    key_id: str
    live: bool
    scopes: frozenset[Scope]
    expires_at: str | None = None

    def require(self, scope: Scope) -> None:
        """Raises Forbidden unless the key has `scope`."""
        if scope not in self.scopes:
            raise Forbidden(f"This API key lacks the scope '{scope}'.", required_scope=scope)

    def require_live(self) -> None:
        """Raises LiveKeyRequired for a test key, which never reaches a provider."""
        if not self.live:
            raise LiveKeyRequired("A test key never reaches a provider: use a live key for this.")


@dataclass(frozen=True)
class Issued:
    """A key with its text, shown here and never again; `rotated` is the one that it takes the place of.

    `repeated` says that it was made by an earlier request under the same Idempotency-Key.
    """

    key: Key
    api_key: str
    rotated: Key | None = None
    repeated: bool = False

    def wire(self) -> dict[str, Any]:
        shown = {"key": self.key.wire() | {"api_key": self.api_key}}
        return shown | {"rotated": self.rotated.wire()} if self.rotated else shown


class Powers(Protocol):
    """What a key may do, in which environment and until when."""

    @property
    def live(self) -> bool: ...
    @property
    def scopes(self) -> frozenset[Scope]: ...
    @property
    def expires_at(self) -> str | None: ...


def overreaches(holder: Powers, key: Powers) -> str | None:
    """Why `holder` may not end `key`: a sentence, None when it may."""
    if key.live and not holder.live:
        return "A test key makes and ends test keys only."
    lacking = sorted(key.scopes - holder.scopes)
    if lacking:
        return f"This API key lacks {', '.join(lacking)}: it makes and ends no key that has more scopes than itself."
    return None


def exceeds(maker: Powers, made: Powers) -> str | None:
    """Why `maker` may not make `made`: a sentence, None when it may. A key never makes what it is not itself."""
    sentence = overreaches(maker, made)
    if sentence:
        return sentence
    if maker.expires_at is not None and (made.expires_at is None or made.expires_at > maker.expires_at):
        return f"This API key ends at {maker.expires_at}: it makes no key that outlives it."
    return None


@dataclass(frozen=True)
class Token:
    """A key's text, taken apart."""

    live: bool
    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"kd_{environment(live=self.live)}_{self.key_id}_{self.secret}"


def environment(*, live: bool) -> str:
    return "live" if live else "test"


def new_token(*, live: bool) -> Token:
    """A token with 256 random bits; the secret has no underscore, so that the parts can be told apart."""
    letters = string.ascii_lowercase + string.digits
    key_id = "".join(secrets.choice(letters) for _ in range(KEY_ID_LENGTH))
    return Token(live, key_id, _secret(secrets.token_bytes(32)))


def derived_token(identity: bytes, secret: bytes, *, live: bool) -> Token:
    """The token that follows from 32 bytes for its id, of which it shows 80 bits, and 32 others for its secret."""
    return Token(live, base64.b32encode(identity)[:KEY_ID_LENGTH].decode().lower(), _secret(secret))


def read_token(text: str) -> Token | None:
    """The token that `text` spells, None when it is not one."""
    match = TOKEN.fullmatch(text)
    return Token(match[1] == "live", match[2], match[3]) if match else None


def _secret(bits: bytes) -> str:
    return base64.urlsafe_b64encode(bits).rstrip(b"=").decode().replace("_", "-")
