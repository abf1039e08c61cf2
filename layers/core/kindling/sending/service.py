"""Use cases of sending. The gate admits every message; quota is given back only if it was certainly not sent."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kindling import providers
from kindling.accounts import claims
from kindling.accounts.claims import Claim, ClaimStatus
from kindling.errors import (
    AccountNotActive,
    DomainNotSending,
    InvalidRequest,
    KindlingError,
    ProviderError,
    ProviderUnavailable,
    RateLimitExceeded,
    RecipientsSuppressed,
    UnknownSender,
    WarmingNotStarted,
    WarmingPaused,
    WarmingSuspended,
)
from kindling.keys.model import Caller
from kindling.platform import clock, parallel
from kindling.platform.observability import logger
from kindling.sending import store
from kindling.sending.model import SendBatch, SendEmail
from kindling.warming import admission
from kindling.warming.gate import Windows
from kindling.warming.model import Warming

# The most entries of the cache of claims.
CACHE_SIZE = 10_000
# What a send may be refused with, beyond the errors of every route.
REFUSALS = (
    AccountNotActive,
    DomainNotSending,
    ProviderError,
    RateLimitExceeded,
    RecipientsSuppressed,
    UnknownSender,
    WarmingNotStarted,
    WarmingPaused,
    WarmingSuspended,
)
SEND_THREADS = 8
UNKNOWN = "unknown"

_claims: dict[str, Claim] = {}


@dataclass(frozen=True)
class Admitted:
    """An admitted message, with the windows in which it was counted; None for a simulated send."""

    email: SendEmail
    claim: Claim
    windows: Windows | None
    idempotency_key: str


def send(caller: Caller, email: SendEmail, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit a message and send it; with a test key, the send is simulated and not counted.

    Raises UnknownSender, AccountNotActive, DomainNotSending, RecipientsSuppressed, RateLimitExceeded,
    WarmingNotStarted, WarmingPaused, WarmingSuspended, StoreUnavailable and ProviderError. After a ProviderError the
    quota was given back, unless the error's `outcome` is `unknown`.
    """
    message = _admit(caller, email, _provider_key(caller, idempotency_key, "send"))
    return _settle(message, _attempt(message))


def send_batch(caller: Caller, batch: SendBatch, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit and send up to `MAX_BATCH` messages. The result of one does not affect the others."""
    results: list[dict[str, Any]] = []
    admitted: list[tuple[int, Admitted]] = []
    for index, fields in enumerate(batch.emails):
        results.append({})
        try:
            email = SendEmail.model_validate(fields)
            admitted.append((index, _admit(caller, email, _provider_key(caller, idempotency_key, f"batch {index}"))))
        except ValidationError as error:
            results[index] = _failed(InvalidRequest.of("message", error.errors()))
        except KindlingError as error:
            results[index] = _failed(error)
    for (index, _), result in zip(admitted, _deliver_all([message for _, message in admitted]), strict=True):
        results[index] = result
    accepted = sum("message_id" in result for result in results)
    answer = {"results": results, "accepted": accepted, "rejected": len(results) - accepted}
    waits = [wait for result in results if (wait := _retry_after_seconds(result))]
    return answer | {"retry_after_seconds": min(waits)} if waits else answer


def _retry_after_seconds(result: dict[str, Any]) -> int | None:
    """Seconds after which a retry of the message may succeed; None when it was accepted or a retry is of no use."""
    if result.get("outcome") == UNKNOWN:
        return 1
    wait: int | None = result.get("retry_after_seconds")
    return wait


def _admit(caller: Caller, email: SendEmail, key: str) -> Admitted:
    claim = _claim(caller, email.sender)
    sender = store.read(claim, email.recipients)
    if sender.account is None or sender.domain is None or sender.warming is None:
        raise _unknown(email.sender)
    if not sender.account.may_send:
        state = f"{sender.account.status}/{sender.account.warmup_status}"
        raise AccountNotActive(f"{email.sender} is {state}: it may send once its warmup is done.")
    if sender.domain.why_not_sending:
        raise DomainNotSending("; ".join(sender.domain.why_not_sending) + ".")
    if sender.suppressed:
        message = f"Nothing was sent: {', '.join(sender.suppressed)} must not be written to."
        raise RecipientsSuppressed(message, suppressed=sender.suppressed)
    windows = _pass_gate(sender.warming, len(email.recipients)) if caller.live else None
    return Admitted(email, claim, windows, key)


def _pass_gate(warming: Warming, n: int) -> Windows:
    outcome = admission.admit(warming, n)
    if isinstance(outcome, Windows):
        return outcome
    raise outcome.error(clock.now())


def _deliver_all(messages: list[Admitted]) -> list[dict[str, Any]]:
    """Send the admitted messages in parallel. The table is written by this thread only."""
    if not messages:
        return []
    # The first send fetches and caches the provider's API key, so that the threads do not all fetch it.
    outcomes = [_attempt(messages[0])]
    outcomes += parallel.each(_attempt, messages[1:], threads=SEND_THREADS)
    return [_result(message, outcome) for message, outcome in zip(messages, outcomes, strict=True)]


def _result(message: Admitted, outcome: str | ProviderError) -> dict[str, Any]:
    try:
        return _settle(message, outcome)
    except KindlingError as error:
        return _failed(error)


def _attempt(message: Admitted) -> str | ProviderError:
    """Send a message: its id at the provider, or the error. A simulated send calls no provider."""
    if message.windows is None:
        return f"<{message.idempotency_key}@simulated.invalid>"
    mail = providers.mail()
    try:
        return mail.send_message(
            message.email.sender, message.email.outgoing(), idempotency_key=message.idempotency_key
        )
    except ProviderError as error:
        return error


def _settle(message: Admitted, outcome: str | ProviderError) -> dict[str, Any]:
    """The result of a message. Raises its error, after giving the quota back unless the message may have been sent."""
    if isinstance(outcome, str):
        if message.windows is None:
            return {"message_id": outcome, "status": "simulated", "environment": "test"}
        return {"message_id": outcome, "status": "queued"}
    unclear = isinstance(outcome, ProviderUnavailable) and not outcome.unreached
    if unclear:
        outcome.extras |= {"outcome": UNKNOWN, "idempotency_key": message.idempotency_key}
        logger.warning("send unclear", domain_id=message.claim.domain_id, recipients=len(message.email.recipients))
    elif message.windows:
        n = len(message.email.recipients)
        admission.give_back(message.claim.user_id, message.claim.domain_id, message.windows, n)
        outcome.extras |= {"outcome": "not_sent"}
    raise outcome


def _claim(caller: Caller, address: str) -> Claim:
    """The claim to a sender's address. Cached without expiry, because an address in use never changes its account."""
    claim = _claims.get(address) or claims.find(address)
    if claim is None or claim.status != ClaimStatus.IN_USE or claim.user_id != caller.user_id:
        raise _unknown(address)
    if address not in _claims and len(_claims) >= CACHE_SIZE:
        _claims.clear()
    _claims[address] = claim
    return claim


def _unknown(address: str) -> UnknownSender:
    return UnknownSender(f"You have no account with the address {address}.")


def _provider_key(caller: Caller, idempotency_key: str | None, position: str) -> str:
    """The idempotency key of a message at the provider; random when the client has sent none.

    It is derived from the client's own key, so that a retried request never sends a message twice, even when the first
    answer was lost and no idempotency record exists.
    """
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([caller.user_id, idempotency_key, position])))


def _failed(error: KindlingError) -> dict[str, Any]:
    return {**error.extras, "status": "rejected", "error": error.code, "message": str(error)}
