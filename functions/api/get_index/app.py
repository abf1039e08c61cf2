"""GET /: what this is, and where things are."""

from kindling.entry.answers.pages import Index
from kindling.entry.request import Request
from kindling.entry.route import route


@route("GET", "/", scope=None, summary="Find the way", tag="about")
def lambda_handler(_request: Request) -> Index:
    return Index.read()
