"""POST /v1/imports/suppressions/preview: check addresses to suppress, and keep them for a commit."""

from kindling.entry.answers.imports import ImportPreviewed
from kindling.entry.request import Request
from kindling.entry.route import MAX_MESSAGE_BYTES, route
from kindling.errors import LiveKeyRequired
from kindling.keys.model import Scope
from kindling.suppressions import importing
from kindling.suppressions.jobs import PreviewImport


@route(
    "POST",
    "/v1/imports/suppressions/preview",
    scope=Scope.SEND,
    summary="Check addresses to suppress",
    tag="suppressions",
    max_body_bytes=MAX_MESSAGE_BYTES,
    errors=(LiveKeyRequired,),
)
def lambda_handler(request: Request, body: PreviewImport) -> ImportPreviewed:
    return ImportPreviewed.of(*importing.preview(request.caller, body))
