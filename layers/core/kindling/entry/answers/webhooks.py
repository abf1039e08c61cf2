"""The answer to a webhook."""

from typing import Literal

from kindling.entry.answers import Answer


class Received(Answer):
    """The event was handled; `counted` says whether it changed anything."""

    received: Literal[True]
    counted: bool
