"""Answers about API keys."""

from http import HTTPStatus
from typing import ClassVar, Self

from pydantic import PrivateAttr

from kindling.entry.answers import Answer, Listed, Omitted, Shown
from kindling.keys.model import Issued, Key, Scope
from kindling.platform.paging import Page


class ShownKey(Shown):
    """An API key without its secret."""

    id: str
    prefix: str
    user_id: str
    name: str
    live: bool
    scopes: list[Scope]
    created_at: str
    created_by: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    rotated_from: str | None
    rotated_to: str | None


class ShownNewKey(ShownKey):
    """`api_key` is the key's text. It is shown once."""

    api_key: str


class KeyIssued(Answer):
    """A new key with its text; `rotated` is the key that it replaces."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED
    _repeated: bool = PrivateAttr(default=False)

    key: ShownNewKey
    rotated: Omitted[ShownKey] = None

    def headers(self) -> dict[str, str]:
        return {"Idempotent-Replayed": "true"} if self._repeated else {}

    @classmethod
    def of(cls, issued: Issued) -> Self:
        answer = cls.model_validate(issued.wire())
        answer._repeated = issued.repeated
        return answer


class KeyAnswer(Answer):
    """A key."""

    key: ShownKey

    @classmethod
    def of(cls, key: Key) -> Self:
        return cls.model_validate({"key": key.wire()})


class KeysAnswer(Listed):
    """The tenant's keys, newest first."""

    keys: list[ShownKey]

    @classmethod
    def of(cls, page: Page[Key]) -> Self:
        rows = [key.wire() for key in page.rows]
        return cls.model_validate({"keys": rows, "next_cursor": page.next_cursor})
