"""Write an event for each change of a state in the table, and queue its deliveries."""

from typing import Any

from kindling.entry.stream import follower
from kindling.events import publishing


@follower
def lambda_handler(records: list[Any]) -> dict[str, Any]:
    return publishing.publish(records)
