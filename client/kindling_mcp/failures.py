"""How an error of the API is told to an agent: its sentence, what belongs to it, and what to do next."""

import json

from kindling_client.errors import (
    Conflict,
    Forbidden,
    Invalid,
    KindlingError,
    NotFound,
    OperationFailed,
    RateLimited,
    ServerError,
    Unauthorized,
    Unexpected,
    Unreachable,
)

REPEAT = "Call the tool again with the same arguments and this request_id; nothing is done twice."
SEE_DOMAIN = "Call show_domain: its next_steps say what is missing."
OF_THE_KEY = "The key may not do this. Do not retry; tell the user which permission is missing."
OF_THE_OPERATOR = "Do not retry; whoever operates Kindling has to mend its access to the provider."

NEXT = {
    "invalid_request": "Correct the fields that are named, and call the tool again.",
    "domain_not_verified": SEE_DOMAIN,
    "prerequisites_not_met": SEE_DOMAIN,
    "live_key_required": "A test key cannot do this. Do not retry; tell the user that a live key is needed.",
    "unknown_sender": "Call list_accounts: `sender` has to be the address of an account.",
    "account_not_active": "Send from an account that may_send, as list_accounts shows; a warmup takes weeks.",
    "domain_not_sending": SEE_DOMAIN,
    "warming_not_started": SEE_DOMAIN,
    "warming_paused": "Call show_domain for the reason, and resume_warming only if the user agrees.",
    "warming_suspended": "Do not retry: only a person with an admin key ends a suspension. Tell the user the reason.",
    "domain_exists": "It is registered already: call show_domain.",
    "domain_taken": "Another tenant has verified the name. Do not retry; ask the user whose domain it is.",
    "address_taken": "Choose another username, or find the account with list_accounts.",
    "address_burnt": "Choose another username: this address can never be used again.",
    "warmup_not_retryable": "Nothing to do, unless list_accounts shows the account as pending.",
    "warmup_retry_running": "Wait a minute, then call list_accounts.",
    "not_warming": "Call show_domain: only a domain in phase_1 to phase_4 can be paused.",
    "not_paused": "Call show_domain: the domain is not paused, so nothing has to be resumed.",
    "request_running": "The first call with this request_id still runs: wait some seconds, then repeat it.",
    "payload_too_large": "Send less at once.",
    "idempotency_key_reused": "This request_id was used with other arguments: choose another one for another action.",
    "recipients_suppressed": "Leave out the recipients that are named as suppressed; they must not be written to.",
    "rate_limit_exceeded": "Wait as long as told, or send to fewer recipients: explain_sending shows the room.",
    "quota_exceeded": "Wait as long as told; do not repeat before.",
    "provider_refused": "The provider said no, and nothing was left behind. Do not repeat this unchanged.",
    "provider_misconfigured": OF_THE_OPERATOR,
    "key_refused": OF_THE_OPERATOR,
    "timeout": REPEAT,
}
BY_KIND = {
    OperationFailed: "The operation has failed and is undone. Correct what it names before another try.",
    Invalid: "Correct the request, and call the tool again.",
    Unauthorized: "The key is not accepted. Do not retry; ask the user for a valid one.",
    Forbidden: OF_THE_KEY,
    NotFound: "Call list_domains or list_accounts for what there is.",
    Conflict: "Read the present state with show_domain or list_accounts before another try.",
    RateLimited: "Wait as long as told; do not repeat before.",
    ServerError: REPEAT,
    Unreachable: REPEAT,
    Unexpected: "Do not retry; the user should check the URL of the API.",
}
# What a tool has already waited out, or has another name for.
UNTOLD = ("idempotency_key", "retry_after_seconds")


def told(error: KindlingError, request_id: str | None = None) -> str:
    """The text of an error; `request_id` is the one with which a write may be repeated."""
    details = {name: value for name, value in error.extras.items() if name not in UNTOLD}
    lines = [
        error.message,
        f"code: {error.code}",
        *([f"retry_after_seconds: {error.retry_after}"] if error.retry_after else []),
        *(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in details.items()),
        *([f"request_id: {request_id}"] if request_id else []),
        f"next: {next_step(error)}",
    ]
    return "\n".join(lines)


def next_step(error: KindlingError) -> str:
    """What to do after an error, by its code or else its kind."""
    return NEXT.get(error.code) or BY_KIND.get(type(error)) or REPEAT
