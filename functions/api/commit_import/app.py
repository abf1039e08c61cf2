"""POST /v1/imports/suppressions/jobs/{job_id}/commit: suppress the addresses of an import."""

from kindling.entry.answers.imports import ImportCommitted, ImportCommitting, committed
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound
from kindling.keys.model import Scope
from kindling.suppressions import importing


@route(
    "POST",
    "/v1/imports/suppressions/jobs/{job_id}/commit",
    scope=Scope.SEND,
    summary="Suppress the addresses of an import",
    tag="suppressions",
    errors=(NotFound, LiveKeyRequired),
)
def lambda_handler(request: Request) -> ImportCommitted | ImportCommitting:
    return committed(importing.commit(request.caller, request.ids["job_id"]))
