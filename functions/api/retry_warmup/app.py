"""PATCH /api/email/accounts/{id}/retry-warmup: retry a warmup that did not start."""

from kindling.accounts import retry
from kindling.entry.answers.accounts import AccountAnswer
from kindling.entry.request import Request
from kindling.entry.route import route
from kindling.errors import (
    LiveKeyRequired,
    NotFound,
    ProviderError,
    StatusNotSaved,
    WarmupNotRetryable,
    WarmupRetryRunning,
)
from kindling.keys.model import Scope


@route(
    "PATCH",
    "/api/email/accounts/{account_id}/retry-warmup",
    scope=Scope.PROVISION,
    summary="Retry a warmup",
    tag="accounts",
    errors=(NotFound, LiveKeyRequired, WarmupNotRetryable, WarmupRetryRunning, ProviderError, StatusNotSaved),
)
def lambda_handler(request: Request) -> AccountAnswer:
    return AccountAnswer.of(retry.retry_warmup(request.caller, request.ids["account_id"]))
