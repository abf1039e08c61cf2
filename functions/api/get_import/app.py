"""GET /v1/imports/suppressions/jobs/{job_id}: an import, and its rows that suppress nothing."""

from kindling.entry.answers.imports import ImportAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import NotFound
from kindling.keys.model import Scope
from kindling.suppressions import importing
from kindling.suppressions.jobs import ReadImport


@route(
    "GET",
    "/v1/imports/suppressions/jobs/{job_id}",
    scope=Scope.READ,
    summary="Read an import of suppressions",
    tag="suppressions",
    errors=(NotFound,),
)
def lambda_handler(request: Request, query: ReadImport) -> ImportAnswer:
    return ImportAnswer.of(*importing.get(request.caller, request.ids["job_id"], query))
