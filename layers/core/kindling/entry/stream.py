"""The entry point of functions that follow the table's stream."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from kindling.platform import clock
from kindling.platform.observability import invocation, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

Answer = dict[str, Any]


def follower(follow: Callable[[list[Any]], Answer]) -> Callable[[dict[str, Any], "LambdaContext"], Answer]:
    """Make `follow` the handler of a stream's records; what it returns is logged.

    When it raises, Lambda brings the same records again, and no later one of theirs before.
    """

    @wraps(follow)
    def run(event: dict[str, Any], context: "LambdaContext") -> Answer:
        with invocation(function_request_id=context.aws_request_id):
            with clock.deadline(context.get_remaining_time_in_millis() / 1000):
                answer = follow(event["Records"])
            logger.info("changes followed", **answer)
        return answer

    return run
