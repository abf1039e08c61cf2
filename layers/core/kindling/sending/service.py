"""Sending: every message passes one gate, and what the gate counted is given back only for a definite no."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from kindling import providers
from kindling.accounts import service as accounts
from kindling.accounts.store import Holder
from kindling.errors import (
    AccountNotActive,
    DomainNotSending,
    InvalidRequest,
    KindlingError,
    ProviderError,
    ProviderUnavailable,
    RecipientsSuppressed,
    UnknownSender,
)
from kindling.keys.model import Caller
from kindling.platform import clock
from kindling.platform.observability import logger
from kindling.sending import store
from kindling.sending.model import SendBatch, SendEmail
from kindling.warming import admission
from kindling.warming import service as warmings
from kindling.warming.gate import Refusal, Windows
from kindling.warming.model import Warming

# A refusal is given again from memory until its window ends, but looked at anew this often: in the meantime quota
# may have come back or a limit may have changed.
REMEMBERED = timedelta(seconds=60)
MEMORY = 10_000
SEND_THREADS = 8
UNKNOWN = "unknown"

_holders: dict[str, Holder] = {}
_refusals: dict[str, tuple[datetime, Refusal]] = {}


@dataclass(frozen=True)
class Admitted:
    """A message that may go out; `windows` is where it was counted, None for one that only looks like a send."""

    email: SendEmail
    holder: Holder
    windows: Windows | None
    idempotency_key: str


def send(caller: Caller, email: SendEmail, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit a message and send it; its id and `queued`, or `simulated` for a test key, which reaches nobody.

    Raises UnknownSender, AccountNotActive, DomainNotSending, RecipientsSuppressed, RateLimitExceeded, Warming…,
    and ProviderError: then the quota was given back, unless its `outcome` is `unknown`.
    """
    message = _admit(caller, email, _provider_key(caller, idempotency_key, "send"))
    return _settle(message, _attempt(message))


def send_batch(caller: Caller, batch: SendBatch, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit and send up to a hundred messages, each on its own: what befalls one does not touch the others."""
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
    waits = [wait for result in results if (wait := _worth_repeating_after(result))]
    return answer | {"retry_after_seconds": min(waits)} if waits else answer


def _worth_repeating_after(result: dict[str, Any]) -> int | None:
    """Seconds until the same message may be taken; None where it was, or never will be."""
    if result.get("outcome") == UNKNOWN:
        return 1
    wait: int | None = result.get("retry_after_seconds")
    return wait


def _admit(caller: Caller, email: SendEmail, key: str) -> Admitted:
    holder = _holder(caller, email.sender)
    n = len(email.recipients)
    if caller.live:
        _refuse_from_memory(holder.domain_id, n)
    standing = store.standing(holder, email.recipients)
    if standing.account is None or standing.domain is None or standing.warming is None:
        raise _unknown(email.sender)
    if not standing.account.may_send:
        state = f"{standing.account.status}/{standing.account.warmup_status}"
        raise AccountNotActive(f"{email.sender} is {state}: it may send once its warmup is done.")
    if standing.domain.why_not_sending:
        raise DomainNotSending("; ".join(standing.domain.why_not_sending) + ".")
    if standing.suppressed:
        message = f"Nothing was sent: {', '.join(standing.suppressed)} must not be written to."
        raise RecipientsSuppressed(message, suppressed=standing.suppressed)
    windows = _pass_gate(standing.warming, n) if caller.live else None
    return Admitted(email, holder, windows, key)


def _pass_gate(warming: Warming, n: int) -> Windows:
    outcome = admission.admit(warming, n)
    if isinstance(outcome, Windows):
        return outcome
    now = clock.now()
    if outcome.bound:
        if len(_refusals) >= MEMORY:
            _refusals.clear()
        _refusals[warming.domain_id] = (min(outcome.bound.ends_at, now + REMEMBERED), outcome)
    raise outcome.error(now)


def _refuse_from_memory(domain_id: str, n: int) -> None:
    """Refuse what was refused a moment ago without asking again: whoever ignores a 429 costs no more than this."""
    remembered = _refusals.get(domain_id)
    if remembered is None:
        return
    until, refusal = remembered
    now = clock.now()
    if now >= until:
        del _refusals[domain_id]
    elif refusal.bound and refusal.bound.room < n <= refusal.n:
        # More than was refused then may meet a limit that lasts longer.
        raise refusal.error(now)


def _deliver_all(messages: list[Admitted]) -> list[dict[str, Any]]:
    """Send what was admitted, several at a time. Rows are written here, one after the other."""
    if not messages:
        return []
    # The first one brings the provider's key; the others then find it.
    sent = [_attempt(messages[0])]
    with ThreadPoolExecutor(SEND_THREADS) as pool:
        sent += pool.map(_attempt, messages[1:])
    return [_result(message, outcome) for message, outcome in zip(messages, sent, strict=True)]


def _result(message: Admitted, outcome: str | ProviderError) -> dict[str, Any]:
    try:
        return _settle(message, outcome)
    except KindlingError as error:
        return _failed(error)


def _attempt(message: Admitted) -> str | ProviderError:
    """The id of the message at the provider, or what went wrong; a test key's message stays here."""
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
    """The answer for a message; a definite no gives its quota back, an unclear outcome keeps it and says so."""
    if isinstance(outcome, str):
        if message.windows is None:
            return {"message_id": outcome, "status": "simulated", "environment": "test"}
        return {"message_id": outcome, "status": "queued"}
    unclear = isinstance(outcome, ProviderUnavailable) and not outcome.unreached
    if unclear:
        outcome.extras |= {"outcome": UNKNOWN, "idempotency_key": message.idempotency_key}
        logger.warning("send unclear", domain_id=message.holder.domain_id, recipients=len(message.email.recipients))
    elif message.windows:
        n = len(message.email.recipients)
        warmings.give_back(message.holder.user_id, message.holder.domain_id, message.windows, n)
        _refusals.pop(message.holder.domain_id, None)
        outcome.extras |= {"outcome": "not_sent"}
    raise outcome


def _holder(caller: Caller, address: str) -> Holder:
    """Whose the address is. It may be remembered for ever: an address in use never gets another account."""
    holder = _holders.get(address) or accounts.holder(address)
    if holder is None or holder.user_id != caller.user_id:
        raise _unknown(address)
    if address not in _holders and len(_holders) >= MEMORY:
        _holders.clear()
    _holders[address] = holder
    return holder


def _unknown(address: str) -> UnknownSender:
    return UnknownSender(f"You have no account with the address {address}.")


def _provider_key(caller: Caller, idempotency_key: str | None, place: str) -> str:
    """The key under which the provider sends a message once.

    It follows from the client's own, so that a repeat of a request whose answer was lost, or never came, sends
    nothing twice, even where nothing remembers the first one.
    """
    if idempotency_key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps([caller.user_id, idempotency_key, place])))


def _failed(error: KindlingError) -> dict[str, Any]:
    return {**error.extras, "status": "rejected", "error": error.code, "message": str(error)}
