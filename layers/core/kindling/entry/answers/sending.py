"""Answers about sends."""

from http import HTTPStatus
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict

from kindling.entry.answers import Answer, Omitted, Shown


class Sent(Answer):
    """A message that was handed to the mail provider, or simulated with a test key."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED

    message_id: str
    status: Literal["queued", "simulated"]
    environment: Omitted[Literal["test"]] = None

    @classmethod
    def of(cls, result: dict[str, Any]) -> Self:
        return cls.model_validate(result)


class SentResult(Shown):
    """The result of one accepted message of a batch."""

    message_id: str
    status: Literal["queued", "simulated"]
    environment: Omitted[Literal["test"]] = None


class RejectedResult(Shown):
    """The result of one message of a batch that was not accepted: an error, with the fields that it has elsewhere."""

    model_config = ConfigDict(extra="allow")

    status: Literal["rejected"]
    error: str
    message: str


class BatchSent(Answer):
    """The results of a batch, in its order; `retry_after_seconds` when sending a part again may work."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED

    results: list[SentResult | RejectedResult]
    accepted: int
    rejected: int
    retry_after_seconds: Omitted[int] = None

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)} if self.retry_after_seconds else {}

    @classmethod
    def of(cls, results: dict[str, Any]) -> Self:
        return cls.model_validate(results)
