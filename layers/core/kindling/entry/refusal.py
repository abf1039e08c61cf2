"""The answer to requests that no route takes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from kindling.entry.route import Answer, error_answer, with_request_id
from kindling.entry.routes import ROUTES
from kindling.errors import MethodNotAllowed, NotFound
from kindling.platform.observability import logger


def refuse(event: dict[str, Any], context: LambdaContext) -> Answer:
    """Answer what no route takes: 405 where the path exists, 404 where it does not."""
    http = event["requestContext"]["http"]
    allowed = sorted({method for method, path in ROUTES if path.fullmatch(event["rawPath"])})
    if allowed:
        message = f"{http['method']} is not possible here; {', '.join(allowed)} is."
        answer = error_answer(MethodNotAllowed(message, allowed_methods=allowed))
        answer["headers"]["Allow"] = ", ".join(allowed)
    else:
        answer = error_answer(NotFound("There is no such route."))
    logger.info("route refused", status=answer["statusCode"])
    return with_request_id(answer, str(event["requestContext"].get("requestId") or context.aws_request_id))
