"""The console behind API Gateway: an event of Lambda becomes a request of ASGI."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from aws_lambda_powertools.utilities.typing import LambdaContext
from mangum import Mangum

from kindling.console.app import app
from kindling.entry.request import Request
from kindling.entry.route import GATEWAY_SECONDS, request_id_of
from kindling.platform import clock
from kindling.platform.observability import invocation, logger


def answer(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request, before the gateway gives up."""
    request_id = request_id_of(event, context)
    began = clock.monotonic()
    left = min(context.get_remaining_time_in_millis() / 1000, GATEWAY_SECONDS - Request(event).waited_seconds)
    with invocation(route=event.get("routeKey"), request_id=request_id), clock.deadline(left):
        with _event_loop():
            # Without a lifespan: Mangum would run its start and its end with every request. Both libraries describe the
            # same object of Lambda's.
            reply: dict[str, Any] = Mangum(app, lifespan="off")(event, cast("Any", context))
        reply["headers"] = {**reply["headers"], "x-request-id": request_id}
        milliseconds = round((clock.monotonic() - began) * 1000)
        logger.info("page answered", status=reply["statusCode"], milliseconds=milliseconds)
    return reply


@contextmanager
def _event_loop() -> Iterator[None]:
    """The event loop on which Mangum runs a request: one of its own, which no forked process shares."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()
