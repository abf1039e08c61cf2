"""GET /v1/audit: which key asked for which change, newest first."""

from kindling.audit import service
from kindling.audit.model import ListEntries
from kindling.entry.answers.audit import AuditAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.keys.model import Scope


@route("GET", "/v1/audit", scope=Scope.ADMIN, summary="List what was asked for with which key", tag="audit")
def lambda_handler(request: Request, query: ListEntries) -> AuditAnswer:
    return AuditAnswer.of(service.list_entries(request.caller, query))
