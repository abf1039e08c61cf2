"""GET /api/cleanups: what a deletion could not remove yet."""

from kindling.cleanups import service
from kindling.entry.answers.leftovers import CleanupsAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/api/cleanups", scope=Scope.READ, summary="List cleanups", tag="cleanups")
def lambda_handler(request: Request, query: Paging) -> CleanupsAnswer:
    return CleanupsAnswer.of(service.list_cleanups(request.caller, query))
