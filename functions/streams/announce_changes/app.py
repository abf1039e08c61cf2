"""Put an event for each change of a state in the table on the stack's EventBridge bus."""

from typing import Any

from kindling.entry.stream import follower
from kindling.events import announcing


@follower
def lambda_handler(records: list[Any]) -> dict[str, Any]:
    return announcing.announce(records)
