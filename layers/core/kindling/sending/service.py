"""Use cases of sending. The gate admits every message; quota is given back only if it was certainly not sent."""

import hashlib
import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from kindling import providers
from kindling.accounts import claims
from kindling.accounts.claims import Claim, ClaimStatus
from kindling.accounts.model import Account
from kindling.errors import (
    AccountNotActive,
    DomainNotSending,
    IdempotencyKeyReused,
    InvalidRequest,
    KindlingError,
    ProviderError,
    ProviderRefused,
    ProviderUnavailable,
    RateLimitExceeded,
    RecipientsSuppressed,
    StoreUnavailable,
    UnknownSender,
    WarmingNotStarted,
    WarmingPaused,
    WarmingSuspended,
)
from kindling.keys.model import Caller
from kindling.messages import service as messages
from kindling.messages.model import SUBJECT_LENGTH, Message, Status, message_id_of, unclear_id_of
from kindling.metrics import refusals
from kindling.metrics.mailboxes import by_class
from kindling.platform import clock, parallel
from kindling.platform.addresses import address_in, named
from kindling.platform.observability import logger
from kindling.sending import store
from kindling.sending.model import SendBatch, SendEmail
from kindling.sending.store import Counted
from kindling.warming import admission, gate
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
# For handing a batch to the provider; what is left of the gateway's 30 s is for admitting before and settling after.
BATCH_SECONDS = 15.0
# No message is admitted with less time than this.
LEAST_SECONDS = 1.0
UNKNOWN, NOT_SENT = "unknown", "not_sent"

_claims: dict[str, Claim] = {}


@dataclass(frozen=True)
class Admitted:
    """An admitted message. `key` is the Idempotency-Key that repeats it, `windows` are those in which it was counted.

    `recipients` are counted by class. `windows` is None for a simulated send. `own` are domains of recipients that are
    the tenant's own. `counted` is an earlier try of the same message.
    """

    caller: Caller
    email: SendEmail
    claim: Claim
    key: str
    recipients: Counter[str]
    windows: Windows | None
    own: frozenset[str] = frozenset()
    counted: Counted | None = None

    @property
    def minute(self) -> str:
        """The minute in which it was counted; empty for a simulated send."""
        return self.windows.minute if self.windows else ""

    @property
    def provider_key(self) -> str:
        return _provider_key(self.claim.user_id, self.key)


def send(caller: Caller, email: SendEmail, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit a message and send it; with a test key, the send is simulated and not counted.

    Raises UnknownSender, AccountNotActive, DomainNotSending, RecipientsSuppressed, RateLimitExceeded,
    WarmingNotStarted, WarmingPaused, WarmingSuspended, IdempotencyKeyReused, StoreUnavailable, InvalidRequest for
    another display name than the account's, and ProviderError. After a ProviderError the quota was given back, unless
    the error's `outcome` is `unknown`: then a repeat under the error's `idempotency_key`, within a day, sends and
    counts nothing twice.
    """
    try:
        message = _admit(caller, email, idempotency_key or str(uuid.uuid4()), repeats=idempotency_key is not None)
        outcome = _attempt(message)
        result = _settle(message, outcome)
        if isinstance(outcome, ProviderError):
            _give_back([(message, outcome)])
            raise outcome
        return result
    finally:
        refusals.write(caller.user_id)


def send_batch(caller: Caller, batch: SendBatch, *, idempotency_key: str | None) -> dict[str, Any]:
    """Admit and send up to `MAX_BATCH` messages. The result of one does not affect the others.

    Messages that are not reached in time are not sent, and their results say so.
    """
    results: list[dict[str, Any]] = [{} for _ in batch.emails]
    admitted: dict[int, Admitted] = {}
    base = idempotency_key or str(uuid.uuid4())
    for index, fields in enumerate(batch.emails):
        try:
            email = SendEmail.model_validate(fields)
            admitted[index] = _admit(caller, email, _derived([base, index]), repeats=idempotency_key is not None)
        except ValidationError as error:
            results[index] = _failed(InvalidRequest.of("message", error.errors()))
        except KindlingError as error:
            results[index] = _failed(error)
    outcomes = dict(zip(admitted, _attempt_all(list(admitted.values())), strict=True))
    for index, outcome in outcomes.items():
        results[index] = _settle(admitted[index], outcome)
    _give_back((admitted[index], outcome) for index, outcome in outcomes.items())
    refusals.write(caller.user_id)
    accepted = sum("message_id" in result for result in results)
    answer = {"results": results, "accepted": accepted, "rejected": len(results) - accepted}
    waits = [wait for result in results if (wait := result.get("retry_after_seconds"))]
    if not waits:
        return answer
    if idempotency_key:
        # Whoever repeats the batch repeats what was accepted, too.
        for index, outcome in outcomes.items():
            if isinstance(outcome, str) and not admitted[index].counted:
                _keep(admitted[index], outcome)
    return answer | {"retry_after_seconds": min(waits)}


def _admit(caller: Caller, email: SendEmail, key: str, *, repeats: bool) -> Admitted:
    """Pass all that may refuse a message. An earlier try under the same key has passed the gate, and is not counted."""
    if not clock.has(LEAST_SECONDS):
        raise StoreUnavailable("There was no time left for this message.", outcome=NOT_SENT)
    claim = _claim(caller, email.address)
    provider_key = _provider_key(caller.user_id, key) if repeats and caller.live else None
    sender = store.read(claim, email.recipients, provider_key)
    if sender.account is None or sender.domain is None or sender.warming is None:
        raise _unknown(email.address)
    _refuse_other_name(email, sender.account)
    if not sender.account.may_send:
        state = f"{sender.account.status}/{sender.account.warmup_status}"
        raise AccountNotActive(f"{email.address} is {state}: it may send once its warmup is done.")
    if sender.domain.why_not_sending:
        raise DomainNotSending("; ".join(sender.domain.why_not_sending) + ".")
    if sender.suppressed:
        message = f"Nothing was sent: {', '.join(sender.suppressed)} must not be written to."
        raise RecipientsSuppressed(message, suppressed=sender.suppressed)
    recipients = by_class(email.recipients, sender.own)
    if not caller.live:
        return Admitted(caller, email, claim, key, recipients, None)
    if sender.counted is None:
        windows = _pass_gate(sender.warming, recipients)
        return Admitted(caller, email, claim, key, recipients, windows, sender.own)
    if sender.counted.fingerprint != _fingerprint(email):
        raise IdempotencyKeyReused("This Idempotency-Key came with another message before.")
    refused = gate.refusal(sender.warming, {}, clock.now())
    if refused:
        raise refused.error(clock.now())
    at = Windows(sender.counted.minute)
    return Admitted(caller, email, claim, key, recipients, at, sender.own, sender.counted)


def _refuse_other_name(email: SendEmail, account: Account) -> None:
    """Raises InvalidRequest for a display name in `from` that is not the account's: the inbox sends with its own."""
    if email.sender not in (email.address, named(account.display_name, email.address)):
        own = f"the display name {account.display_name!r}" if account.display_name else "no display name"
        problem = f"has another display name than the account, which has {own}; a PATCH of the account changes it"
        raise InvalidRequest.of("message", [{"loc": ["from"], "msg": problem}])


def _pass_gate(warming: Warming, recipients: Counter[str]) -> Windows:
    outcome = admission.admit(warming, recipients)
    if isinstance(outcome, Windows):
        return outcome
    raise outcome.error(clock.now())


def _attempt_all(messages: list[Admitted]) -> list[str | ProviderError]:
    """Send the messages in parallel, as far as the time goes."""
    with clock.within(BATCH_SECONDS):
        return parallel.after_the_first(_attempt, messages, threads=SEND_THREADS)


def _attempt(message: Admitted) -> str | ProviderError:
    """Send a message: its id at the provider, or the error. A simulated send calls no provider."""
    if message.windows is None:
        return f"<{message.provider_key}@simulated.invalid>"
    if message.counted and message.counted.message_id:
        message_id = message.counted.message_id
    else:
        try:
            message_id = providers.mail().send_message(
                message.email.address, message.email.outgoing(), idempotency_key=message.provider_key
            )
        except ProviderError as error:
            return error
    _record(message, message_id)
    return message_id


def _record(message: Admitted, message_id: str | None) -> None:
    """Log a message at once: reports about it may come within a second. Without it they are judged by nothing.

    Without an id it is one that may have been sent.
    """
    unclear = _unclear_id(message)
    entry = _entry(message, message_id, unclear)
    # An earlier try was logged without an id, if it was at all.
    completes = message_id and message.counted and not message.counted.message_id
    try:
        messages.record(entry, unclear=unclear if completes else None)
    except StoreUnavailable as error:
        logger.warning("message not recorded", domain_id=message.claim.domain_id, reason=str(error))


def _entry(message: Admitted, message_id: str | None, unclear: str) -> Message:
    claim, email = message.claim, message.email
    to, cc, bcc = ([address_in(one) for one in mailboxes] for mailboxes in (email.to, email.cc, email.bcc))
    return Message(
        id=message_id_of(claim.user_id, message_id) if message_id else unclear,
        user_id=claim.user_id,
        domain_id=claim.domain_id,
        account_id=claim.account_id,
        key_id=message.caller.key_id,
        request_id=message.caller.request_id,
        message_id=message_id,
        status=Status.QUEUED if message_id else Status.UNKNOWN,
        idempotency_key=None if message_id else message.key,
        sent_at=clock.timestamp(clock.parse(f"{message.minute}:00Z")),
        created_at=clock.timestamp(),
        sender=email.address,
        to=to,
        cc=cc,
        bcc=bcc,
        subject=email.subject[:SUBJECT_LENGTH],
        tags=email.tags,
        own=sorted(message.own),
    )


def _unclear_id(message: Admitted) -> str:
    """The id under which a message is logged as long as nobody knows whether it was sent."""
    return unclear_id_of(message.provider_key, message.minute)


def _refuse(message: Admitted) -> None:
    try:
        messages.refuse(message.claim.user_id, _unclear_id(message))
    except StoreUnavailable as error:
        logger.warning("message not recorded", domain_id=message.claim.domain_id, reason=str(error))


def _settle(message: Admitted, outcome: str | ProviderError) -> dict[str, Any]:
    """The result of a message. One that may have been sent, or a repeat that was, is kept for its next repeat."""
    if isinstance(outcome, str):
        if message.windows is None:
            return {"message_id": outcome, "status": "simulated", "environment": "test"}
        if message.counted and not message.counted.message_id:
            _keep(message, outcome)
        return {"id": message_id_of(message.claim.user_id, outcome), "message_id": outcome, "status": "queued"}
    unclear = _is_unclear(message, outcome)
    outcome.extras |= {"outcome": NOT_SENT}
    if unclear:
        outcome.extras |= {"outcome": UNKNOWN, "idempotency_key": message.key, "id": _unclear_id(message)}
    elif message.counted:
        _refuse(message)
    if isinstance(outcome, ProviderUnavailable):
        outcome.extras = {"retry_after_seconds": 1, **outcome.extras}
    if unclear:
        logger.warning("send unclear", domain_id=message.claim.domain_id, recipients=len(message.email.recipients))
        _keep(message, None)
        _record(message, None)
    return _failed(outcome)


def _is_unclear(message: Admitted, error: ProviderError) -> bool:
    """Whether the message may have been sent. Of an earlier try, only a refusal tells that it was not."""
    if message.counted:
        return not isinstance(error, ProviderRefused)
    return isinstance(error, ProviderUnavailable) and not error.unreached


def _give_back(attempts: Iterable[tuple[Admitted, str | ProviderError]]) -> None:
    """Free the quota of messages that were certainly not sent, with one write for each domain and its windows.

    That of a repeat stays used, because two repeats at once could give it back twice.
    """
    unused: defaultdict[tuple[str, str, Windows], Counter[str]] = defaultdict(Counter)
    for message, outcome in attempts:
        sent = isinstance(outcome, str) or _is_unclear(message, outcome)
        if message.windows and not message.counted and not sent:
            unused[message.claim.user_id, message.claim.domain_id, message.windows] += message.recipients
    for (user_id, domain_id, windows), recipients in unused.items():
        admission.give_back(user_id, domain_id, windows, recipients)


def _keep(message: Admitted, message_id: str | None) -> None:
    """Keep a message for its repeat. Where that fails, a repeat counts again, and still sends nothing twice."""
    if message.windows is None:
        return
    counted = Counted(minute=message.windows.minute, fingerprint=_fingerprint(message.email), message_id=message_id)
    try:
        store.put_counted(message.claim.user_id, message.provider_key, counted)
    except StoreUnavailable as error:
        logger.warning("message not kept", domain_id=message.claim.domain_id, reason=str(error))


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


def _provider_key(user_id: str, key: str) -> str:
    """The idempotency key of a message at the provider, whose keys all tenants share.

    It is derived from the client's own key, so that a retried request never sends a message twice, even when the first
    answer was lost and no idempotency record exists.
    """
    return _derived([user_id, key])


def _derived(parts: list[str | int]) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(parts)))


def _fingerprint(email: SendEmail) -> str:
    return hashlib.sha256(email.model_dump_json().encode()).hexdigest()


def _failed(error: KindlingError) -> dict[str, Any]:
    return {**error.extras, "status": "rejected", "error": error.code, "message": str(error)}
