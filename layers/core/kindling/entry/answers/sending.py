"""Answers about sends."""

from http import HTTPStatus
from typing import ClassVar, Literal

from pydantic import ConfigDict

from kindling.entry.answers import Answer, Omitted, Shown


class SentResult(Shown):
    """A message that was accepted: handed to the mail provider, or simulated with a test key.

    `id` is that of its entry in the log, `message_id` the provider's. A simulated one is not logged.
    """

    id: Omitted[str] = None
    message_id: str
    status: Literal["queued", "simulated"]
    environment: Omitted[Literal["test"]] = None


class Sent(Answer, SentResult):
    """A message that was handed to the mail provider, or simulated with a test key."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED


class RejectedResult(Shown):
    """The result of one message of a batch that was not accepted: an error, with the fields that it has elsewhere."""

    model_config = ConfigDict(extra="allow")

    status: Literal["rejected"]
    error: str
    message: str


class BatchSent(Answer):
    """The results of a batch, in its order; `retry_after_seconds` when sending a part again may work."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    rare_header_names: ClassVar[tuple[str, ...]] = ("Retry-After",)

    results: list[SentResult | RejectedResult]
    accepted: int
    rejected: int
    retry_after_seconds: Omitted[int] = None

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.retry_after_seconds)} if self.retry_after_seconds else {}
