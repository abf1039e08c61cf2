"""The answer of the health check."""

from typing import Literal

from kindling.entry.answers import Answer


class Health(Answer):
    """The API answers."""

    status: Literal["ok"] = "ok"
