"""GET /v1/domains/{id}/dns: the records that a domain needs, and which of them were found."""

from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import DnsAnswer, find
from kindling.errors import NotFound
from kindling.keys.model import Scope


@route(
    "GET",
    "/v1/domains/{domain_id}/dns",
    scope=Scope.READ,
    summary="Read a domain's records",
    tag="domains",
    errors=(NotFound,),
)
def lambda_handler(request: Request) -> DnsAnswer:
    return DnsAnswer.of(find(request.caller, request.ids["domain_id"]))
