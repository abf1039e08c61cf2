"""Checking a domain, and what its row becomes after that: the only way to `verified`, whoever starts the check."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kindling import providers
from kindling.domains import claims, commits, ownership, store
from kindling.domains.model import (
    DUE_KIND,
    GIVE_UP,
    Domain,
    DomainStatus,
    checks,
    next_check,
    plain_records,
    status_after,
)
from kindling.domains.ownership import LOOK_EVERY, Ownership
from kindling.errors import DomainTaken, NotFound, ProviderError, StaleStatus
from kindling.platform import clock, due
from kindling.platform.derived import derive
from kindling.platform.table import Part
from kindling.providers.model import DnsRecord, MailDomain, TxtSurvey
from kindling.warming import parts as warming

LOOK_THREADS = 8
# A look that changes nothing is written down this often at most.
LOOK_NOTED_EVERY = timedelta(minutes=5)
NOT_ASKED = TxtSurvey(())


@dataclass(frozen=True)
class Look:
    """What a look at a domain found: the mail provider's word, and the challenges in DNS where it was asked."""

    live: MailDomain
    survey: TxtSurvey


@dataclass(frozen=True)
class Outcome:
    """What a domain's row becomes after a look; `claim` are the actions that give it its name when it is verified."""

    status: DomainStatus
    reason: str | None
    proof: Ownership
    claim: Part


def challenge(user_id: str, domain: str) -> str:
    """The text that the tenant has to publish to prove that the domain is his."""
    return _challenge(user_id, domain, claims.losses(user_id, domain))


def survey(domain: str) -> TxtSurvey:
    """The challenges that stand in the domain's DNS now, of whatever tenant."""
    return providers.resolver().read_txt(f"{ownership.LABEL}.{domain}")


def trigger(live: MailDomain) -> None:
    """Have the mail provider check its records, unless it has found them: a check begins anew for all tenants.

    Raises ProviderError.
    """
    if live.status != "VERIFIED":
        providers.mail().verify_domain(live.domain_id)


def look(domain: Domain) -> Look | None:
    """Look at a domain now; None when the mail provider does not know it. Raises ProviderError."""
    live = providers.mail().get_domain(domain.domain)
    return Look(live, NOT_ASKED if _is_resting(domain) else survey(domain.domain)) if live else None


def look_at_all(domains: list[Domain]) -> list[Look | None]:
    """A look at each, several at a time; None where the provider failed. Nothing is written here.

    DNS is asked only where its answer may change a status.
    """
    # The first look brings the provider's key; the others then find it.
    first = [_try_look(domain) for domain in domains[:1]]
    with ThreadPoolExecutor(LOOK_THREADS) as pool:
        return [*first, *pool.map(_try_look, domains[1:])]


def look_due(domain: Domain) -> Look:
    """Look at a domain that fell due. A domain in use that the provider does not know is judged by its challenge."""
    unheard = "VERIFIED" if domain.status == DomainStatus.VERIFIED else "UNKNOWN"
    gone = MailDomain(domain_id=domain.domain, status=unheard)
    return look(domain) or Look(gone, survey(domain.domain))


def refresh(domain: Domain, found: Look) -> Domain:
    """Write what was found onto the row; whoever changed the row meanwhile wins."""
    domain = _with_challenge(domain)
    put: dict[str, Any] = {}
    if found.live.records:
        rows = [record.model_dump(exclude_none=True) for record in records(found.live, domain.domain, domain.ownership)]
        put = {"dns_records": rows, "checks": checks(found.live.records, domain.domain).model_dump()}
    try:
        outcome = decide(domain, found, clock.now())
        return (_stay if outcome.status == domain.status else _change)(domain, put, outcome)
    except (NotFound, StaleStatus):
        return store.get(domain.user_id, domain.id) or domain


def decide(domain: Domain, found: Look, now: datetime) -> Outcome:
    """What the row becomes: verified only by the provider's word, the challenge in DNS, and nobody else's claim."""
    shown = found.survey.shows(domain.ownership.challenge)
    proof = domain.ownership.after(shown, now)
    triggered_at = clock.parse(domain.verification_triggered_at) if domain.verification_triggered_at else None
    status = status_after(domain.status, found.live.status, triggered_at, now, shown=shown, lost=proof.lost)
    claim: Part = []
    if status == DomainStatus.VERIFIED and domain.status != DomainStatus.VERIFIED:
        try:
            claim = _claim(domain, found.survey)
        except DomainTaken as taken:
            return Outcome(DomainStatus.PENDING, str(taken), proof, [])
    return Outcome(status, _reason(domain, found.live, status, proof, shown), proof, claim)


def refuse_taken(user_id: str, domain: str) -> None:
    """Raises DomainTaken while another tenant has the name verified, with the record that takes it over.

    Whoever has published his own challenge, where the holder's is gone, may register the name.
    """
    holder = claims.verifier(domain)
    row = store.get(holder.user_id, holder.domain_id) if holder and holder.domain_id else None
    if row is None or row.user_id == user_id or row.status != DomainStatus.VERIFIED:
        return
    own = Ownership(challenge=challenge(user_id, domain))
    found = survey(domain)
    if found.shows(own.challenge) and found.shows(row.ownership.challenge) is False:
        return
    record = ownership.record(domain, own)
    raise DomainTaken(
        f"Another user has verified {domain}. If it is yours now, put the TXT record {record.name} with the value "
        f"'{record.value}' in place of the one that stands there, and register the domain again.",
        dns_record=record.model_dump(exclude_none=True),
    )


def due_fields(domain: Domain) -> dict[str, str]:
    """The attributes that bring a domain to its next look; none where nobody looks by himself.

    A verifying one climbs its ladder, as does one that only waits for its challenge; one in use is looked at daily.
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
    """Everything that has to stand in the domain's DNS: the challenge, and the mail provider's records."""
    return [ownership.record(domain, proof), *plain_records(live.records)]


def _claim(domain: Domain, found: TxtSurvey) -> Part:
    """Give the name to this domain. Raises DomainTaken unless the present holder's challenge is certainly gone.

    The holder's row becomes pending, with a new challenge: the old one may still be published somewhere.
    """
    holder = claims.verifier(domain.domain)
    loss: Part = []
    if holder and holder.user_id != domain.user_id:
        row = store.get(holder.user_id, holder.domain_id) if holder.domain_id else None
        if row and found.shows(row.ownership.challenge) is not False:
            raise DomainTaken(ownership.held(domain.domain))
        loss = [commits.lost(_dispossessed(row))] if row else []
    return [*claims.taken(domain, holder), *loss]


def _dispossessed(row: Domain) -> Domain:
    losses = claims.losses(row.user_id, row.domain) + 1
    proof = Ownership(challenge=_challenge(row.user_id, row.domain, losses))
    kept = [record for record in row.dns_records if record.name != ownership.record(row.domain, proof).name]
    changes = {
        "ownership": proof,
        "dns_records": [ownership.record(row.domain, proof), *kept],
        "status_reason": ownership.moved(row.domain),
    }
    return row.model_copy(update=changes)


def _challenge(user_id: str, domain: str, losses: int) -> str:
    return ownership.spell(derive("ownership", user_id, domain, str(losses)))


def _with_challenge(domain: Domain) -> Domain:
    """A row that was written before there were challenges gets its own."""
    if domain.ownership.challenge:
        return domain
    proof = Ownership(challenge=challenge(domain.user_id, domain.domain))
    store.update(domain, put={"ownership": proof.model_dump(exclude_none=True)}, drop=())
    return domain.model_copy(update={"ownership": proof})


def _is_resting(domain: Domain) -> bool:
    """Whether the challenge of a domain in use was seen less than a day ago."""
    looked_at = domain.ownership.looked_at
    in_use = domain.status == DomainStatus.VERIFIED and domain.ownership.proven
    return in_use and looked_at is not None and clock.now() < clock.parse(looked_at) + LOOK_EVERY


def _try_look(domain: Domain) -> Look | None:
    try:
        live = providers.mail().get_domain(domain.domain)
    except ProviderError:
        return None
    if live is None:
        return None
    matters = DomainStatus.VERIFIED in (domain.status, live.status.lower()) and not _is_resting(domain)
    return Look(live, survey(domain.domain) if matters else NOT_ASKED)


def _reason(domain: Domain, live: MailDomain, status: DomainStatus, proof: Ownership, shown: bool | None) -> str | None:
    """The sentence on the row that says why it is not verified, or will not stay so."""
    name = domain.domain
    match live.status, status:
        case _, DomainStatus.VERIFIED:
            return ownership.going(name, proof) if proof.missing_since else None
        case _, DomainStatus.FAILED if domain.status == DomainStatus.FAILED:
            return domain.status_reason
        case "VERIFIED", DomainStatus.PENDING if domain.status == DomainStatus.VERIFIED:
            return ownership.gone(name, proof)
        case "VERIFIED", DomainStatus.PENDING | DomainStatus.VERIFYING:
            return ownership.unknown(name) if shown is None else ownership.missing(name)
        case _, DomainStatus.FAILED:
            over = f"not verified within {GIVE_UP.total_seconds() / 3600:.0f} hours"
            return live.reason or (over if domain.status == DomainStatus.VERIFYING else live.status.lower())
        case _, DomainStatus.PENDING:
            return domain.status_reason
        case _:
            return None


def _stay(domain: Domain, put: dict[str, Any], outcome: Outcome) -> Domain:
    put = put | ({"status_reason": outcome.reason} if outcome.reason else {})
    after = Domain.model_validate(domain.model_dump() | put | {"ownership": outcome.proof})
    known = domain.model_dump(exclude_none=True)
    changed = {name: value for name, value in put.items() if value != known.get(name)}
    next_due = due_fields(after)
    drop: tuple[str, ...] = () if next_due or not domain.due_at else due.FIELDS
    drop += ("status_reason",) if domain.status_reason and not outcome.reason else ()
    if next_due.get("due_at") != domain.due_at:
        changed |= next_due
    if _shown(domain.ownership) != _shown(outcome.proof):
        changed |= {"ownership": outcome.proof.model_dump(exclude_none=True)}
    last_look = domain.last_dns_check
    if changed or drop or last_look is None or clock.parse(last_look) + LOOK_NOTED_EVERY <= clock.now():
        changed |= {"last_dns_check": clock.timestamp(), "ownership": outcome.proof.model_dump(exclude_none=True)}
        store.update(domain, put=changed, drop=drop)
    shown = after.model_dump() | {name: value for name, value in changed.items() if name != "due_shard"}
    return Domain.model_validate(shown | dict.fromkeys(drop))


def _shown(proof: Ownership) -> tuple[str, bool, str | None]:
    return proof.challenge, proof.proven, proof.missing_since


def _change(domain: Domain, put: dict[str, Any], outcome: Outcome) -> Domain:
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
    started = warming.started(domain.user_id, domain.id)
    return commits.verify(domain, put=put, drop=drop, claim=outcome.claim, warming=started)
