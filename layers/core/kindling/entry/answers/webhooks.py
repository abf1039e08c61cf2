"""The answer to a webhook."""

from typing import Literal, Self

from kindling.entry.answers import Answer


class Received(Answer):
    """The event was handled; `counted` says whether it changed anything."""

    received: Literal[True]
    counted: bool

    @classmethod
    def of(cls, result: dict[str, bool]) -> Self:
        return cls.model_validate(result)
