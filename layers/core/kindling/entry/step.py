"""The entry point of a saga's steps."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from kindling.platform import aws, clock, tenancy
from kindling.platform.observability import invocation, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

Event = dict[str, Any]


def step(task: Callable[[Event], Any]) -> Callable[[Event, "LambdaContext"], Any]:
    """Make `task` the handler of a saga's step, which works for the saga's tenant.

    Every log line names the operation, whose id ends the execution's name, the tenant and the state. Errors of AWS
    calls are raised as StoreUnavailable, which the state machines retry.
    """

    @wraps(task)
    def run(event: Event, context: "LambdaContext") -> Any:
        saga = event["saga"]
        with invocation(
            function_request_id=context.aws_request_id,
            operation_id=saga["operation_id"],
            user_id=saga["user_id"],
            state=event["state"],
        ):
            logger.info("step entered")
            time_left = clock.deadline(context.get_remaining_time_in_millis() / 1000)
            with time_left, tenancy.working_for(saga["user_id"]), aws.available():
                return task(event)

    return run
