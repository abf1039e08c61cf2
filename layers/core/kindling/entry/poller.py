"""The entry point of scheduled functions."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from kindling.platform import clock
from kindling.platform.observability import invocation, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

Answer = dict[str, Any]


def poller(poll: Callable[[], Answer]) -> Callable[[dict[str, Any], "LambdaContext"], Answer]:
    """Make `poll` the handler of a scheduled function; what it returns is logged."""

    @wraps(poll)
    def run(_event: dict[str, Any], context: "LambdaContext") -> Answer:
        with invocation(function_request_id=context.aws_request_id):
            with clock.deadline(context.get_remaining_time_in_millis() / 1000):
                answer = poll()
            logger.info("poller finished", **answer)
        return answer

    return run
