"""POST /api/email/domains/{id}/dns-records/sync: publish the domain's records, or only show what that would change."""

from kindling.domains import service
from kindling.domains.model import SyncDnsRecords
from kindling.entry.answers.domains import SyncAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Scope


@route(
    "POST",
    "/api/email/domains/{domain_id}/dns-records/sync",
    scope=Scope.PROVISION,
    summary="Publish a domain's records",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, ProviderError),
)
def lambda_handler(request: Request, query: SyncDnsRecords) -> SyncAnswer:
    return SyncAnswer.model_validate(service.sync_dns(request.caller, request.ids["domain_id"], dry_run=query.dry_run))
