"""GET /healthz: whether the API answers."""

from kindling.entry.answers.health import Health
from kindling.entry.request import Request
from kindling.entry.route import route


@route("GET", "/healthz", scope=None, summary="Check that the API answers", tag="health")
def lambda_handler(_request: Request) -> Health:
    return Health()
