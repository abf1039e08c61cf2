"""The entry point of a saga's steps."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from kindling.platform import aws, clock
from kindling.platform.observability import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

Event = dict[str, Any]


def step(task: Callable[[Event], Any]) -> Callable[[Event, "LambdaContext"], Any]:
    """Make `task` the handler of a saga's step.

    Every log line names the execution and the state. Errors of AWS calls are raised as StoreUnavailable, which the
    state machines retry.
    """

    @wraps(task)
    def run(event: Event, context: "LambdaContext") -> Any:
        keys = {"execution": event.get("execution"), "state": event.get("state")}
        logger.append_keys(function_request_id=context.aws_request_id, **keys)
        logger.info("step entered")
        with clock.deadline(context.get_remaining_time_in_millis() / 1000), aws.available():
            return task(event)

    return run
