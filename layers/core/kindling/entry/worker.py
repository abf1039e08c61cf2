"""The entry point of queue workers: messages are handled separately, and only failed ones are retried."""

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from kindling.platform import clock, due, tenancy
from kindling.platform.observability import invocation, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# The part of an even share of the batch's time below which a message is not begun.
LEAST_SHARE = 0.5

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


class OutOfTime(Exception):
    """The message was not begun, and its item is not scheduled; SQS brings it again."""


def work(event: dict[str, Any], context: "LambdaContext", task: Callable[[Any], object]) -> PartialItemFailureResponse:
    """Do `task` with the key in each message, for its tenant; the answer names those that SQS has to bring again.

    Each message has an even share of the time that is left (`clock.left`), so that one whose provider hangs takes
    nothing from the others. What is not begun, since another took more, becomes due again at once. It does not come
    back through the queue, which would count towards its dead letters.
    """
    waiting = len(event["Records"])
    put_off = 0

    def handle(record: SQSRecord) -> None:
        nonlocal waiting, put_off
        share = clock.left(math.inf) / waiting
        waiting -= 1
        key = json.loads(record.body)
        if share >= least:
            user_id = tenancy.of(key)
            about = {"user_id": user_id, "item": key["sk"]}
            with clock.within(share), tenancy.working_for(user_id), logger.append_context_keys(**about):
                task(key)
        elif due.put_off(key):
            put_off += 1
        else:
            raise OutOfTime

    with invocation():
        with clock.deadline(context.get_remaining_time_in_millis() / 1000):
            least = LEAST_SHARE * clock.left(math.inf) / waiting
            answer = process_partial_response(event=event, record_handler=handle, processor=_processor, context=context)
        count, failed = len(event["Records"]), len(answer["batchItemFailures"])
        logger.info("messages handled", count=count, failed=failed, put_off=put_off)
    return answer


def work_together(
    event: dict[str, Any], context: "LambdaContext", task: Callable[[list[Any]], object]
) -> PartialItemFailureResponse:
    """Do `task` once with the bodies of all messages. When it raises, SQS brings all of them again."""
    with invocation():
        with clock.deadline(context.get_remaining_time_in_millis() / 1000):
            task([json.loads(record["body"]) for record in event["Records"]])
        logger.info("messages handled", count=len(event["Records"]))
    return {"batchItemFailures": []}
