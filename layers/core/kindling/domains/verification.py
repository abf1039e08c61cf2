"""Checking a domain and updating its row: every change to `verified` is made here or by the onboarding saga.

A look (`Look`) is one reading of the mail provider's status of a domain and of the ownership challenges in its DNS.
`decide` computes the row's new state from a look, without side effects; `refresh` decides and writes the result.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kindling import providers
from kindling.domains import claims, ownership, store
from kindling.domains.model import (
    DUE_KIND,
    GIVE_UP,
    Domain,
    DomainStatus,
    checks,
    next_check,
    required_records,
    status_after,
)
from kindling.domains.ownership import LOOK_EVERY, Ownership
from kindling.errors import DomainTaken, NotFound, ProviderError, ProviderUnavailable, StaleStatus
from kindling.platform import clock, due, parallel
from kindling.platform.derived import derive
from kindling.platform.observability import logger
from kindling.platform.table import Part
from kindling.providers.model import DnsRecord, MailDomain, TxtSurvey

LOOK_THREADS = 8
# For all looks of one list: whoever asks is not kept waiting for a slow provider.
LOOKS_SECONDS = 10.0
# The least time between two writes of looks that change nothing but `last_dns_check`.
LOOK_RECORDED_EVERY = timedelta(minutes=5)
# The pause after a check for which the provider was unavailable.
CHECK_PUT_OFF = timedelta(minutes=5)
# The survey of a look that did not query DNS: it gives no answer about any challenge.
NO_SURVEY = TxtSurvey(())


@dataclass(frozen=True)
class Look:
    """The mail provider's status of a domain, and the challenges in its DNS (`NO_SURVEY` when DNS was not queried)."""

    live: MailDomain
    survey: TxtSurvey


@dataclass(frozen=True)
class Outcome:
    """The new state of a domain's row. `claim` holds the actions that claim the name when it becomes verified."""

    status: DomainStatus
    reason: str | None
    proof: Ownership
    claim: Part


def challenge(user_id: str, domain: str) -> str:
    """The text that the tenant has to publish to prove that it owns the domain."""
    return _challenge(user_id, domain, claims.losses(user_id, domain))


def survey(domain: str) -> TxtSurvey:
    """The challenges in the domain's DNS, of all tenants."""
    return providers.resolver().read_txt(f"{ownership.LABEL}.{domain}")


def trigger(live: MailDomain) -> None:
    """Have the mail provider check its records, unless it has verified the domain.

    A check restarts verification at the provider for every tenant that has registered the name. Raises ProviderError.
    """
    if live.status != "VERIFIED":
        providers.mail().verify_domain(live.domain_id)


def look(domain: Domain) -> Look | None:
    """Query the mail provider and DNS; None when the domain is not registered there. Raises ProviderError.

    DNS is not queried when the challenge of a verified domain was seen within `LOOK_EVERY`.
    """
    live = providers.mail().get_domain(domain.domain)
    return Look(live, NO_SURVEY if _is_fresh(domain) else survey(domain.domain)) if live else None


def look_at_all(domains: list[Domain]) -> list[Look | None]:
    """Look at each domain, in parallel; None where the provider failed, was too slow, or does not know the domain.

    DNS is queried only when its answer may change a status.
    """
    with clock.within(LOOKS_SECONDS):
        return parallel.after_the_first(_try_look, domains, threads=LOOK_THREADS)


def look_due(domain: Domain) -> Look:
    """Look at a domain that is due. Raises ProviderError.

    When the provider does not know a verified domain, only the challenge decides whether it stays verified.
    """
    assumed = "VERIFIED" if domain.status == DomainStatus.VERIFIED else "UNKNOWN"
    unregistered = MailDomain(domain_id=domain.domain, status=assumed)
    return look(domain) or Look(unregistered, survey(domain.domain))


def check(key: dict[str, str]) -> None:
    """Check a domain that is due; when the provider is unavailable, put the check off.

    Raises ProviderError; the queue then delivers the check again.
    """
    domain = store.read(key)
    if domain is None:
        return
    try:
        latest = look_due(domain)
    except ProviderUnavailable as error:
        if not due.put_off(key, CHECK_PUT_OFF):
            raise
        logger.warning("check put off", domain=domain.domain, reason=str(error))
        return
    refresh(domain, latest)


def refresh(domain: Domain, latest: Look) -> Domain:
    """Update the row with the result of a look, and return it. A concurrent change of the row wins."""
    domain = _with_challenge(domain)
    put: dict[str, Any] = {}
    if latest.live.records:
        rows = [
            record.model_dump(exclude_none=True) for record in records(latest.live, domain.domain, domain.ownership)
        ]
        put = {"dns_records": rows, "checks": checks(latest.live.records, domain.domain).model_dump()}
    try:
        outcome = decide(domain, latest, clock.now())
        write = _keep_status if outcome.status == domain.status else _change_status
        return write(domain, put, outcome).model_copy(update={"last_dns_check": clock.timestamp()})
    except (NotFound, StaleStatus):
        return store.get(domain.user_id, domain.id) or domain


def decide(domain: Domain, latest: Look, now: datetime) -> Outcome:
    """The new state of the row; see `status_after`.

    A domain whose name another tenant holds becomes pending instead of verified.
    """
    shown = latest.survey.shows(domain.ownership.challenge)
    proof = domain.ownership.after(shown, now)
    triggered_at = clock.parse(domain.verification_triggered_at) if domain.verification_triggered_at else None
    status = status_after(domain.status, latest.live.status, triggered_at, now, shown=shown, lost=proof.lost)
    claim: Part = []
    if status == DomainStatus.VERIFIED and domain.status != DomainStatus.VERIFIED:
        try:
            claim = _claim(domain, latest.survey)
        except DomainTaken as error:
            return Outcome(DomainStatus.PENDING, str(error), proof, [])
    return Outcome(status, _reason(domain, latest.live, status, proof, shown), proof, claim)


def refuse_taken(user_id: str, domain: str) -> None:
    """Raises DomainTaken while another tenant has verified the name.

    The error carries the record to publish: a tenant whose own challenge is in DNS, where the other's is gone, may
    register the name.
    """
    holder = claims.verifier(domain)
    row = store.get(holder.user_id, holder.domain_id) if holder and holder.domain_id else None
    if row is None or row.user_id == user_id or row.status != DomainStatus.VERIFIED:
        return
    own = Ownership(challenge=challenge(user_id, domain))
    txt = survey(domain)
    if txt.shows(own.challenge) and txt.shows(row.ownership.challenge) is False:
        return
    record = ownership.record(domain, own)
    raise DomainTaken(
        f"Another user has verified {domain}. If it is yours now, put the TXT record {record.name} with the value "
        f"'{record.value}' in place of the one that stands there, and register the domain again.",
        dns_record=record.model_dump(exclude_none=True),
    )


def due_fields(domain: Domain) -> dict[str, str]:
    """The attributes that schedule the domain's next check; empty when it is checked on request only.

    Verified domains are checked every `LOOK_EVERY`. Verifying ones, and pending ones whose check was triggered less
    than `GIVE_UP` ago, follow `CHECK_DELAYS`.
    """
    now = clock.now()
    if domain.status == DomainStatus.VERIFIED:
        return due.fields(DUE_KIND, domain.id, domain.ownership.due(now))
    triggered_at = clock.parse(domain.verification_triggered_at) if domain.verification_triggered_at else None
    waiting = domain.status == DomainStatus.PENDING and triggered_at and now < triggered_at + GIVE_UP
    if triggered_at and (waiting or domain.status == DomainStatus.VERIFYING):
        return due.fields(DUE_KIND, domain.id, next_check(triggered_at, now))
    return {}


def records(live: MailDomain, domain: str, proof: Ownership) -> list[DnsRecord]:
    """The records that the domain needs in DNS: the challenge and the mail provider's records."""
    return [ownership.record(domain, proof), *required_records(live.records)]


def wanted(domain: Domain, live: MailDomain) -> list[DnsRecord]:
    """`records` of a domain that has a row."""
    return records(live, domain.domain, _challenged(domain))


def _claim(domain: Domain, txt: TxtSurvey) -> Part:
    """The actions that claim the name for the domain. Raises DomainTaken unless the holder's challenge is gone.

    The holder is the tenant that verified the name last. Its row becomes pending, with a new challenge: the old one may
    still be published somewhere.
    """
    holder = claims.verifier(domain.domain)
    loss: Part = []
    if holder and holder.user_id != domain.user_id:
        row = store.get(holder.user_id, holder.domain_id) if holder.domain_id else None
        if row and txt.shows(row.ownership.challenge) is not False:
            raise DomainTaken(ownership.reason_taken(domain.domain))
        loss = [store.lost(_taken_over(row))] if row else []
    return [*claims.taken(domain, holder), *loss]


def _taken_over(row: Domain) -> Domain:
    losses = claims.losses(row.user_id, row.domain) + 1
    proof = Ownership(challenge=_challenge(row.user_id, row.domain, losses))
    kept = [record for record in row.dns_records if record.name != ownership.record(row.domain, proof).name]
    changes = {
        "ownership": proof,
        "dns_records": [ownership.record(row.domain, proof), *kept],
        "status_reason": ownership.reason_taken_over(row.domain),
    }
    return row.model_copy(update=changes)


def _challenge(user_id: str, domain: str, losses: int) -> str:
    return ownership.challenge_text(derive("ownership", user_id, domain, str(losses)))


def _challenged(domain: Domain) -> Ownership:
    """The domain's ownership, with a challenge. Rows written by versions without challenges have none yet."""
    proof = domain.ownership
    return proof if proof.challenge else Ownership(challenge=challenge(domain.user_id, domain.domain))


def _with_challenge(domain: Domain) -> Domain:
    """The domain with a challenge, which is written to a row of a version without challenges."""
    proof = _challenged(domain)
    if proof == domain.ownership:
        return domain
    store.update(domain, put={"ownership": proof.model_dump(exclude_none=True)}, drop=())
    return domain.model_copy(update={"ownership": proof})


def _is_fresh(domain: Domain) -> bool:
    """Whether the challenge of a verified domain was seen within `LOOK_EVERY`."""
    looked_at = domain.ownership.looked_at
    proven = domain.status == DomainStatus.VERIFIED and domain.ownership.proven
    return proven and looked_at is not None and clock.now() < clock.parse(looked_at) + LOOK_EVERY


def _try_look(domain: Domain) -> Look | None:
    try:
        live = providers.mail().get_domain(domain.domain)
    except ProviderError:
        return None
    if live is None:
        return None
    needs_dns = DomainStatus.VERIFIED in (domain.status, live.status.lower()) and not _is_fresh(domain)
    return Look(live, survey(domain.domain) if needs_dns else NO_SURVEY)


def _reason(domain: Domain, live: MailDomain, status: DomainStatus, proof: Ownership, shown: bool | None) -> str | None:
    """The `status_reason` of the row: why the domain is not verified, or will not stay verified."""
    name = domain.domain
    match live.status, status:
        case _, DomainStatus.VERIFIED:
            return ownership.reason_expiring(name, proof) if proof.missing_since else None
        case _, DomainStatus.FAILED if domain.status == DomainStatus.FAILED:
            return domain.status_reason
        case "VERIFIED", DomainStatus.PENDING if domain.status == DomainStatus.VERIFIED:
            return ownership.reason_expired(name, proof)
        case "VERIFIED", DomainStatus.PENDING | DomainStatus.VERIFYING:
            return ownership.reason_unclear(name) if shown is None else ownership.reason_missing(name)
        case _, DomainStatus.FAILED:
            timeout = f"not verified within {GIVE_UP.total_seconds() / 3600:.0f} hours"
            return live.reason or (timeout if domain.status == DomainStatus.VERIFYING else live.status.lower())
        case _, DomainStatus.PENDING:
            return domain.status_reason
        case _:
            return None


def _keep_status(domain: Domain, put: dict[str, Any], outcome: Outcome) -> Domain:
    """Write what else has changed; a look without changes is recorded at most every `LOOK_RECORDED_EVERY`."""
    put = put | ({"status_reason": outcome.reason} if outcome.reason else {})
    after = Domain.model_validate(domain.model_dump() | put | {"ownership": outcome.proof})
    before = domain.model_dump(exclude_none=True)
    changed = {name: value for name, value in put.items() if value != before.get(name)}
    next_due = due_fields(after)
    drop: tuple[str, ...] = () if next_due or not domain.due_at else due.FIELDS
    drop += ("status_reason",) if domain.status_reason and not outcome.reason else ()
    if next_due.get("due_at") != domain.due_at:
        changed |= next_due
    if _without_times(domain.ownership) != _without_times(outcome.proof):
        changed |= {"ownership": outcome.proof.model_dump(exclude_none=True)}
    last_look = domain.last_dns_check
    if changed or drop or last_look is None or clock.parse(last_look) + LOOK_RECORDED_EVERY <= clock.now():
        changed |= {"last_dns_check": clock.timestamp(), "ownership": outcome.proof.model_dump(exclude_none=True)}
        store.update(domain, put=changed, drop=drop)
    row = after.model_dump() | {name: value for name, value in changed.items() if name != "due_shard"}
    return Domain.model_validate(row | dict.fromkeys(drop))


def _without_times(proof: Ownership) -> tuple[str, bool, str | None]:
    """What is written at once when it changes; the times of checks are not."""
    return proof.challenge, proof.proven, proof.missing_since


def _change_status(domain: Domain, put: dict[str, Any], outcome: Outcome) -> Domain:
    now = clock.timestamp()
    to = outcome.status
    put = put | {"last_dns_check": now, "ownership": outcome.proof.model_dump(exclude_none=True)}
    if outcome.reason:
        put["status_reason"] = outcome.reason
    if to == DomainStatus.VERIFYING:
        triggered_at = now if domain.status == DomainStatus.VERIFIED else domain.verification_triggered_at
        put["verification_triggered_at"] = triggered_at
    if to == DomainStatus.VERIFIED:
        put["verified_at"] = now
    fields = due_fields(Domain.model_validate(domain.model_dump() | put | {"status": to}))
    drop: tuple[str, ...] = () if fields else due.FIELDS
    drop += () if outcome.reason else ("status_reason",)
    drop += () if to == DomainStatus.VERIFIED else ("verified_at",)
    put |= fields
    if to != DomainStatus.VERIFIED:
        return store.move(domain, to, put=put, drop=drop)
    # Imported here: few checks verify a domain, and only these need the topics that the transaction includes.
    from kindling.domains import commits

    return commits.verify(domain, put=put, drop=drop, claim=outcome.claim)
