"""What an API key is. Its text is `kd_live_<keyid>_<secret>` or `kd_test_…`; only a hash of the secret is kept."""

import re
import secrets
import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

TOKEN = re.compile(r"kd_(live|test)_([a-z0-9]{16})_([A-Za-z0-9-]{43,64})")


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
    expires_at: str | None = None
    revoked_at: str | None = None
    # The key's text, in the answer that makes it and nowhere else.
    api_key: str | None = Field(default=None, exclude=True)

    def wire(self) -> dict[str, Any]:
        """The key as the API shows it; its secret is not in the row."""
        shown = self.model_dump(mode="json", exclude={"secret_hash", "key_id", "scopes"})
        shown |= {"id": self.key_id, "scopes": sorted(self.scopes)}
        return shown | {"api_key": self.api_key} if self.api_key else shown


class CreateKey(BaseModel):
    """The body of `POST /api/keys`."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    scopes: frozenset[Scope] = Field(default=frozenset({Scope.READ}), min_length=1)
    live: bool = True
    expires_in_days: int | None = Field(default=None, ge=1, le=3650)


@dataclass(frozen=True)
class Caller:
    """Whoever holds the key of this request."""

    user_id: str
    key_id: str
    live: bool
    scopes: frozenset[Scope]


@dataclass(frozen=True)
class Token:
    """A key's text, taken apart."""

    live: bool
    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"kd_{'live' if self.live else 'test'}_{self.key_id}_{self.secret}"


def new_token(*, live: bool) -> Token:
    """A token with 256 random bits; the secret has no underscore, so that the parts can be told apart."""
    letters = string.ascii_lowercase + string.digits
    key_id = "".join(secrets.choice(letters) for _ in range(16))
    return Token(live, key_id, secrets.token_urlsafe(32).replace("_", "-"))


def read_token(text: str) -> Token | None:
    """The token that `text` spells, None when it is not one."""
    match = TOKEN.fullmatch(text)
    return Token(match[1] == "live", match[2], match[3]) if match else None
