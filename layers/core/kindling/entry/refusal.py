"""The answer to requests that match no route."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import Reply, error_reply, request_id_of, with_request_id
from kindling.entry.routes import methods_of
from kindling.entry.unoffered import why_not
from kindling.errors import MethodNotAllowed, NotFound, NotOffered
from kindling.platform.observability import invocation, logger


def refuse(event: dict[str, Any], context: LambdaContext) -> Reply:
    """Answer what no route takes: 501 for what the official client has, 405 where the path exists, 404 elsewhere."""
    http = event["requestContext"]["http"]
    allowed = methods_of(event["rawPath"])
    why = why_not(http["method"], event["rawPath"])
    if why:
        reply = error_reply(NotOffered(why))
    elif allowed:
        message = f"{http['method']} is not possible here; {', '.join(allowed)} is."
        reply = error_reply(MethodNotAllowed(message, allowed_methods=allowed))
        reply["headers"]["Allow"] = ", ".join(allowed)
    else:
        reply = error_reply(NotFound("There is no such route."))
    request_id = request_id_of(event, context)
    with invocation(route=event.get("routeKey"), request_id=request_id):
        logger.info("route refused", status=reply["statusCode"])
    return with_request_id(reply, request_id)
