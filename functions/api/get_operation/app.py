"""GET /api/operations/{id}: the state of a saga."""

from kindling.entry.answers.operations import OperationAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.operations import service
from kindling.platform.paging import Paging


@route(
    "GET",
    "/api/operations/{operation_id}",
    scope=Scope.READ,
    summary="Read an operation",
    tag="operations",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: Paging) -> OperationAnswer:
    return OperationAnswer.of(*service.get(request.caller, request.ids["operation_id"], query))
