"""One step of the saga."""

from typing import Any


class CardDeclined(Exception):
    """The step cannot be done."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if event.get("decline"):
        raise CardDeclined("no money")
    return {"done": event}
