"""GET /api/inventory: resources at the providers without a row, and rows whose resources are gone."""

from kindling.entry.answers.leftovers import InventoryAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.inventory import findings
from kindling.keys.model import Scope


@route("GET", "/api/inventory", scope=Scope.READ, summary="List inventory findings", tag="inventory")
def lambda_handler(request: Request) -> InventoryAnswer:
    return InventoryAnswer.model_validate(findings.list_findings(request.caller))
