"""GET /api/keys: the tenant's API keys, newest first."""

from kindling.entry.answers.keys import KeysAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys import service
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/api/keys", scope=Scope.ADMIN, summary="List API keys", tag="keys")
def lambda_handler(request: Request, query: Paging) -> KeysAnswer:
    return KeysAnswer.of(service.list_keys(request.caller, query))
