"""GET /docs: the OpenAPI document as a page."""

from kindling.entry import viewer
from kindling.entry.answers.pages import NotModified, Page, unless_known
from kindling.entry.request import Request
from kindling.entry.route import route


@route("GET", "/docs", scope=None, summary="Show the OpenAPI document", tag="about")
def lambda_handler(request: Request) -> Page | NotModified:
    return unless_known(request, viewer.page())
