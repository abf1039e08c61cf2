"""The console behind API Gateway: an event of Lambda becomes a request of ASGI."""

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
        # Made for each request, since it makes an event loop where there is none, which a forked process must not
        # share. Without a lifespan: Mangum would run its start and its end with every request.
        adapter = Mangum(app, lifespan="off")
        # Both libraries describe the same object of Lambda's.
        reply: dict[str, Any] = adapter(event, cast("Any", context))
        reply["headers"] = {**reply["headers"], "x-request-id": request_id}
        milliseconds = round((clock.monotonic() - began) * 1000)
        logger.info("page answered", status=reply["statusCode"], milliseconds=milliseconds)
    return reply
