"""GET /openapi.json: the OpenAPI document."""

from kindling.entry.answers.pages import Description, NotModified, unless_known
from kindling.entry.request import Request
from kindling.entry.route import route


@route("GET", "/openapi.json", scope=None, summary="Read the OpenAPI document", tag="about")
def lambda_handler(request: Request) -> Description | NotModified:
    return unless_known(request, Description.read())
