"""The errors of Kindling, in one tree. Each has an HTTP status and a code.

Do not rename a class: Lambda reports its name to Step Functions, where Retry and Catch match on it, and the `code` in
the API's answer is the name in snake case.

KindlingError                     500 internal_error
├── InvalidRequest                400 invalid_request, with `fields`
│   ├── DomainNotVerified         400 domain_not_verified
│   └── PrerequisitesNotMet       400 prerequisites_not_met: neither SPF nor DKIM is verified
├── Unauthorized                  401 unauthorized
├── Forbidden                     403 forbidden
│   ├── LiveKeyRequired           403 live_key_required
│   ├── KeyExceedsMaker           403 key_exceeds_maker: the key lacks permissions of the one to create or revoke
│   ├── UnknownSender             403 unknown_sender: no account of the caller has that address
│   ├── AccountNotActive          403 account_not_active
│   ├── DomainNotSending          403 domain_not_sending: unverified, switched off, or inbound only
│   ├── WarmingNotStarted         403 warming_not_started
│   ├── WarmingPaused             403 warming_paused
│   └── WarmingSuspended          403 warming_suspended
├── NotFound                      404 not_found
├── MethodNotAllowed              405 method_not_allowed
├── Conflict                      409 conflict
│   ├── StaleStatus               409 stale_status: a compare-and-swap found another state
│   ├── LastAdminKey              409 last_admin_key: without it the tenant could not create keys any more
│   ├── DomainExists              409 domain_exists: the caller has registered it already
│   ├── DomainTaken               409 domain_taken: another tenant has verified it
│   ├── AddressTaken              409 address_taken: an inbox with it exists or is being created
│   ├── AddressBurnt              409 address_burnt: its inbox was deleted; it cannot be used again
│   ├── WarmupNotRetryable        409 warmup_not_retryable
│   ├── WarmupRetryRunning        409 warmup_retry_running
│   ├── AlreadyWarming            409 already_warming
│   ├── NotWarming                409 not_warming
│   ├── NotPaused                 409 not_paused
│   └── RequestRunning            409 request_running: the first request with the same Idempotency-Key
├── PayloadTooLarge               413 payload_too_large
├── UnsupportedMediaType          415 unsupported_media_type
├── IdempotencyKeyReused          422 idempotency_key_reused
├── RecipientsSuppressed          422 recipients_suppressed
├── RateLimitExceeded             429 rate_limit_exceeded, with `retry_after_seconds`
├── QuotaExceeded                 429 quota_exceeded, with `quota`, `limit` and `retry_after_seconds`
├── AccountsLeft                  500 accounts_left: accounts of a domain still have rows
├── ExecutionDied                 500 execution_died: the saga's execution ended without its undo; undone since
├── RowRunning                    500 row_running: a row of a batch is still being made
├── RowNotDeleted                 500 row_not_deleted: not in time; the deletion continues
├── StatusNotSaved                500 status_not_saved: the provider succeeded, the row could not be written
├── NotOffered                    501 not_offered: the official client has it, Kindling has not
├── StoreUnavailable              503 store_unavailable: AWS refused a call or did not answer; try again
└── ProviderError                 502 provider_error
    ├── ProviderRefused           502 provider_refused: the provider rejected the request
    ├── ProviderMisconfigured     502 provider_misconfigured: our plan or quota there does not allow it
    │   └── KeyRefused            502 key_refused: the provider does not accept our API key, or a scope is missing
    └── ProviderUnavailable       502 provider_unavailable: a transient error, or no clear answer; try again
        ├── MailboxNotReady       502 mailbox_not_ready: the inbox does not accept logins yet
        ├── TagVanished           502 tag_vanished: deleted between look-up and use
        ├── WarmupBusy            502 warmup_busy: another job runs in the workspace
        └── WarmupUnconfirmed     502 warmup_unconfirmed: accepted, but not shown as on yet
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from typing import Any

NOT_KNOWN = "is not known here"
# What is wrong with a field, by the type of pydantic's error; its own messages speak of patterns, instances and inputs.
PROBLEMS = {
    "missing": "is needed",
    "extra_forbidden": NOT_KNOWN,
    **dict.fromkeys(("string_type", "string_unicode"), "must be a text"),
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "may have at most {max_length} characters",
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float", "finite_number"), "must be a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(
        (
            "datetime_type",
            "datetime_parsing",
            "datetime_from_date_parsing",
            "datetime_object_invalid",
            "timezone_aware",
        ),
        "must be an instant with its offset, as 2026-03-01T09:00:00Z",
    ),
    **dict.fromkeys(("enum", "literal_error"), "must be {expected}"),
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "may be at most {le}",
    **dict.fromkeys(("list_type", "set_type", "frozen_set_type"), "must be a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "must be a JSON object"),
    "too_short": "must have {min_length} or more entries",
    "too_long": "may have at most {max_length} entries",
}
# An answer has at most so many problems and characters of each text: a body may have a field's worth of megabytes.
MOST_PROBLEMS = 20
MOST_CHARACTERS = 300


class KindlingError(Exception):
    """The base class. `message` is a sentence for the caller; `extras` become fields of the answer's body."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"

    def __init_subclass__(cls) -> None:
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str, **extras: Any) -> None:
        super().__init__(message)
        self.extras = extras


class InvalidRequest(KindlingError):
    status = HTTPStatus.BAD_REQUEST

    @classmethod
    def of(cls, what: str, problems: Iterable[Any]) -> "InvalidRequest":
        """The error for pydantic's `problems` with `what`, such as the request, with an entry in `fields` for each.

        Only the first MOST_PROBLEMS are told. A problem with the whole has the field `body`.
        """
        fields = []
        for problem in islice(problems, MOST_PROBLEMS):
            sentence = PROBLEMS.get(problem.get("type", ""), "").format_map(problem.get("ctx", {}))
            message = sentence or str(problem["msg"]).removeprefix("Value error, ")
            location = ".".join(map(str, problem["loc"])) if problem["loc"] else "body"
            fields.append({"field": location[:MOST_CHARACTERS], "message": message[:MOST_CHARACTERS]})
        summary = "; ".join(f"{field['field']}: {field['message']}" for field in fields)
        return cls(f"The {what} is not valid: {summary}.", fields=fields)


class DomainNotVerified(InvalidRequest):
    pass


class PrerequisitesNotMet(InvalidRequest):
    pass


class Unauthorized(KindlingError):
    status = HTTPStatus.UNAUTHORIZED


class Forbidden(KindlingError):
    status = HTTPStatus.FORBIDDEN


class LiveKeyRequired(Forbidden):
    pass


class KeyExceedsMaker(Forbidden):
    pass


class UnknownSender(Forbidden):
    pass


class AccountNotActive(Forbidden):
    pass


class DomainNotSending(Forbidden):
    pass


class WarmingNotStarted(Forbidden):
    pass


class WarmingPaused(Forbidden):
    pass


class WarmingSuspended(Forbidden):
    pass


class NotFound(KindlingError):
    status = HTTPStatus.NOT_FOUND


class MethodNotAllowed(KindlingError):
    status = HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(KindlingError):
    status = HTTPStatus.CONFLICT


class StaleStatus(Conflict):
    pass


class LastAdminKey(Conflict):
    pass


class DomainExists(Conflict):
    pass


class DomainTaken(Conflict):
    pass


class AddressTaken(Conflict):
    pass


class AddressBurnt(Conflict):
    pass


class WarmupNotRetryable(Conflict):
    pass


class WarmupRetryRunning(Conflict):
    pass


class AlreadyWarming(Conflict):
    pass


class NotWarming(Conflict):
    pass


class NotPaused(Conflict):
    pass


class RequestRunning(Conflict):
    pass


class PayloadTooLarge(KindlingError):
    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class UnsupportedMediaType(KindlingError):
    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class IdempotencyKeyReused(KindlingError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RecipientsSuppressed(KindlingError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RateLimitExceeded(KindlingError):
    status = HTTPStatus.TOO_MANY_REQUESTS


class QuotaExceeded(KindlingError):
    status = HTTPStatus.TOO_MANY_REQUESTS


class AccountsLeft(KindlingError):
    pass


class ExecutionDied(KindlingError):
    pass


class RowRunning(KindlingError):
    pass


class RowNotDeleted(KindlingError):
    pass


class StatusNotSaved(KindlingError):
    pass


class NotOffered(KindlingError):
    status = HTTPStatus.NOT_IMPLEMENTED


class StoreUnavailable(KindlingError):
    """AWS refused a call, for example by throttling, or did not answer. The answer has `Retry-After: 1`."""

    status = HTTPStatus.SERVICE_UNAVAILABLE

    def __init__(self, message: str, **extras: Any) -> None:
        super().__init__(message, **({"retry_after_seconds": 1} | extras))


class ProviderError(KindlingError):
    status = HTTPStatus.BAD_GATEWAY


class ProviderRefused(ProviderError):
    pass


class ProviderMisconfigured(ProviderError):
    pass


class KeyRefused(ProviderMisconfigured):
    pass


class ProviderUnavailable(ProviderError):
    """`unreached` is true when the request was certainly not carried out, such as after a failed connection."""

    def __init__(self, message: str, *, unreached: bool = False, **extras: Any) -> None:
        super().__init__(message, **extras)
        self.unreached = unreached


class MailboxNotReady(ProviderUnavailable):
    pass


class TagVanished(ProviderUnavailable):
    pass


class WarmupBusy(ProviderUnavailable):
    pass


class WarmupUnconfirmed(ProviderUnavailable):
    pass


def class_named(name: str) -> type[KindlingError]:
    """The error class of the name that Lambda reports; ProviderUnavailable for any other name.

    A step that ended with `States.Timeout` or `Lambda.*` was waiting for a provider or for AWS.
    """
    return _BY_NAME.get(name, ProviderUnavailable)


def _tree(root: type[KindlingError]) -> dict[str, type[KindlingError]]:
    classes = {root.__name__: root}
    for child in root.__subclasses__():
        classes |= _tree(child)
    return classes


_BY_NAME = _tree(KindlingError)
