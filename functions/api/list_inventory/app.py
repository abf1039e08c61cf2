"""GET /api/inventory: resources at the providers without a row, and rows whose resources are gone."""

from kindling.entry.answers.leftovers import InventoryAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.inventory import findings
from kindling.keys.model import Scope
from kindling.platform.paging import Paging


@route("GET", "/api/inventory", scope=Scope.READ, summary="List inventory findings", tag="inventory")
def lambda_handler(request: Request, query: Paging) -> InventoryAnswer:
    return InventoryAnswer.of(*findings.list_findings(request.caller, query))
