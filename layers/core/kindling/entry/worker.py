"""The entry point of queue workers: messages are handled separately, and only failed ones are retried."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from kindling.platform import clock
from kindling.platform.observability import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def work(event: dict[str, Any], context: "LambdaContext", task: Callable[[Any], object]) -> PartialItemFailureResponse:
    """Do `task` with the body of each message; the answer names those that SQS has to bring again."""

    def handle(record: SQSRecord) -> None:
        task(json.loads(record.body))

    with clock.deadline(context.get_remaining_time_in_millis() / 1000):
        answer = process_partial_response(event=event, record_handler=handle, processor=_processor, context=context)
    logger.info("messages handled", count=len(event["Records"]), failed=len(answer["batchItemFailures"]))
    return answer
