"""What may be done with a domain, as routes of the API."""

from kindling.console.actions import Form
from kindling.console.pages import domain as shown
from kindling.console.pages.domains import PATH
from kindling.domains import service as domains
from kindling.domains.model import VerifyDomain
from kindling.entry.answers import Success
from kindling.entry.answers.domains import DomainAnswer
from kindling.entry.answers.operations import Accepted, deleted
from kindling.entry.answers.warming import PausedAnswer, ResumedAnswer, StartedAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.entry.v1 import find
from kindling.errors import (
    AlreadyWarming,
    LiveKeyRequired,
    NotFound,
    NotPaused,
    NotWarming,
    PrerequisitesNotMet,
    ProviderError,
    RowNotDeleted,
    StaleStatus,
)
from kindling.keys.model import Scope
from kindling.warming import service as warming
from kindling.warming.model import PauseWarming, StartWarming


@route(
    "POST",
    "/api/email/domains/{domain_id}/verify",
    scope=Scope.PROVISION,
    summary="Verify a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, ProviderError),
)
def verify(request: Request, query: VerifyDomain) -> DomainAnswer:
    """As the API's own function has it."""
    return DomainAnswer.of(domains.verify(request.caller, request.ids["domain_id"], poll=query.poll))


@route(
    "DELETE",
    "/api/email/domains/{domain_id}",
    scope=Scope.PROVISION,
    summary="Delete a domain",
    tag="domains",
    errors=(NotFound, LiveKeyRequired, RowNotDeleted),
)
def delete(request: Request) -> Success | Accepted:
    """As the API's own function has it."""
    return deleted(domains.delete(request.caller, request.ids["domain_id"], wait_seconds=request.wait_seconds))


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/start",
    scope=Scope.PROVISION,
    summary="Start warming",
    tag="warming",
    errors=(NotFound, AlreadyWarming, LiveKeyRequired, PrerequisitesNotMet),
)
def start(request: Request, body: StartWarming) -> StartedAnswer:
    """As the API's own function has it."""
    domain = find(request.caller, request.ids["domain_id"])
    return StartedAnswer.model_validate(warming.start(request.caller, domain, body))


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/pause",
    scope=Scope.PROVISION,
    summary="Pause warming",
    tag="warming",
    errors=(NotFound, LiveKeyRequired, NotWarming, StaleStatus),
)
def pause(request: Request, body: PauseWarming) -> PausedAnswer:
    """As the API's own function has it."""
    domain = find(request.caller, request.ids["domain_id"])
    return PausedAnswer.model_validate(warming.pause(request.caller, domain, body))


@route(
    "POST",
    "/v1/domains/{domain_id}/warming/resume",
    scope=Scope.PROVISION,
    summary="Resume warming",
    tag="warming",
    errors=(NotFound, LiveKeyRequired, NotPaused, StaleStatus),
)
def resume(request: Request) -> ResumedAnswer:
    """As the API's own function has it."""
    domain = find(request.caller, request.ids["domain_id"])
    return ResumedAnswer.model_validate(warming.resume(request.caller, domain))


HERE = f"{PATH}/{{domain_id}}"
VERIFY = Form(verify, shown.show, HERE, "verify")
DELETE = Form(delete, shown.show, PATH, "deleted")
START = Form(start, shown.show, HERE, "start")
PAUSE = Form(pause, shown.show, HERE, "pause", body=lambda form: {"reason": form.get("reason", "").strip()})
RESUME = Form(resume, shown.show, HERE, "resume")
