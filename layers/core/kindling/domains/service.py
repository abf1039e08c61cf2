"""Decisions about domains: registering, verifying, giving up."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from kindling import clock, due, providers
from kindling.domains import store
from kindling.domains.model import (
    GIVE_UP,
    CreateDomain,
    Domain,
    DomainStatus,
    UpdateDomain,
    UpdateSendingDomain,
    checks,
    next_check,
    plain_records,
    purpose_of,
    status_after,
)
from kindling.errors import DomainTaken, LiveKeyRequired, NotFound, ProviderError, StaleStatus
from kindling.keys.model import Caller
from kindling.operations import service as operations
from kindling.operations.model import Operation
from kindling.providers.model import MailDomain, MailProvider, ZoneRecord
from kindling.settings import settings
from kindling.warming import steps

# A dispatched check that dies is handed out again after this.
CHECK_LEASE = timedelta(minutes=5)
REFRESH_THREADS = 8
OFFBOARD = "offboard_domain"
# A look that changes nothing is written down this often at most.
LOOK_NOTED_EVERY = timedelta(minutes=5)
# Without these nothing can be sent; the others are recommended.
REQUIRED = ("dkim", "spf", "return_path")
NO_ZONE = "The domain's zone is not in our Cloudflare account."


def create(caller: Caller, command: CreateDomain, *, wait_seconds: float) -> Domain | Operation:
    """Start onboarding; the domain when that is done in time, otherwise the operation that goes on.

    Raises DomainExists, DomainTaken, LiveKeyRequired, or the error that made the saga fail.
    """
    require_live(caller)
    store.refuse_taken(caller.user_id, command.domain)
    domain_id = str(uuid.uuid4())
    operation = operations.start(
        settings().onboard_domain_arn,
        kind="onboard_domain",
        user_id=caller.user_id,
        subject_id=domain_id,
        name=command.domain,
        request={"domain_id": domain_id, **command.model_dump(mode="json")},
    )
    operation = operations.wait(operation, wait_seconds)
    operations.raise_failure(operation)
    return get(caller, domain_id) if operation.finished else operation


def get(caller: Caller, domain_id: str) -> Domain:
    """Raises NotFound, in the same words for another tenant's domain."""
    domain = store.get(caller.user_id, domain_id)
    if domain is None:
        raise NotFound("There is no such domain.")
    return domain


def find(caller: Caller, id_or_name: str) -> Domain:
    """The tenant's domain by its id or its name. Raises NotFound."""
    if "." not in id_or_name:
        return get(caller, id_or_name)
    domain = store.find(caller.user_id, id_or_name.strip().lower().removesuffix("."))
    if domain is None:
        raise NotFound("There is no such domain.")
    return domain


def list_page(caller: Caller, *, limit: int, offset: int) -> dict[str, Any]:
    """A page of the tenant's domains, newest first, as their rows stand."""
    shown = [domain.wire_v1() for domain in store.list_of(caller.user_id)[offset : offset + limit]]
    return {"domains": shown, "limit": limit, "offset": offset}


def verify_found(caller: Caller, id_or_name: str) -> dict[str, Any]:
    """Trigger the provider's check; the domain with a sentence on what is missing. Raises NotFound, ProviderError."""
    domain = verify(caller, find(caller, id_or_name).id, poll=False)
    missing = [name.upper() for name, stands in domain.checks.model_dump().items() if not stands]
    verdict = f"{domain.domain} is {domain.status}"
    summary = f"{verdict}; not found yet: {', '.join(missing)}" if missing else f"{verdict}; all records stand"
    return {**domain.wire_v1(), "status": domain.status, "summary": f"{summary}."}


def delete_found(caller: Caller, id_or_name: str, *, wait_seconds: float) -> Operation | None:
    """As `delete`, by id or name; only by its id can a deleted domain be deleted again."""
    domain_id = find(caller, id_or_name).id if "." in id_or_name else id_or_name
    return delete(caller, domain_id, wait_seconds=wait_seconds)


def update(caller: Caller, id_or_name: str, command: UpdateSendingDomain) -> Domain:
    """Change what a domain is for. Raises NotFound, LiveKeyRequired."""
    require_live(caller)
    domain = find(caller, id_or_name)
    return store.change(domain, command.model_dump(mode="json", exclude_none=True))


def show_dns(caller: Caller, id_or_name: str) -> dict[str, Any]:
    """The records that have to stand in the domain's DNS, and which of them the provider has found.

    Raises NotFound.
    """
    domain = find(caller, id_or_name)
    found = domain.checks.model_dump()
    records = []
    for record in domain.dns_records:
        purpose = purpose_of(record, domain.domain)
        shown = {"purpose": purpose, **record.model_dump(exclude_none=True)}
        records.append(shown | {"required": purpose in REQUIRED, "verified": found.get(purpose)})
    return {"domain": domain.domain, "records": records}


def key(user_id: str, domain_id: str) -> dict[str, str]:
    """Where the domain's row stands, for a transaction that depends on it."""
    return store.at(user_id, domain_id)


def list_domains(caller: Caller, *, skip_sync: bool) -> list[Domain]:
    """The tenant's domains, newest first, refreshed from the provider unless `skip_sync` or a test key asks.

    A provider that fails leaves a row as it is.
    """
    domains = store.list_of(caller.user_id)
    if skip_sync or not caller.live or not domains:
        return domains
    # The first look brings the provider's key; the others then find it. Rows are written here, one after the other.
    first = _look(domains[0])
    with ThreadPoolExecutor(REFRESH_THREADS) as pool:
        found = [first, *pool.map(_look, domains[1:])]
    return [_refresh(domain, live) if live else domain for domain, live in zip(domains, found, strict=True)]


def verify(caller: Caller, domain_id: str, *, poll: bool) -> Domain:
    """Trigger the provider's check and start the ladder of re-checks anew; `poll` only reads the state there.

    A trigger restarts the provider's check, so a caller that waits should poll. Raises NotFound, ProviderError.
    """
    domain = get(caller, domain_id)
    if poll and not caller.live:
        return domain
    require_live(caller)
    mail = providers.mail()
    if not poll:
        domain = _trigger(domain, mail)
    live = mail.get_domain(domain.domain)
    return _refresh(domain, live) if live else domain


def override_status(caller: Caller, domain_id: str, command: UpdateDomain) -> Domain:
    """Set the status that the row shows; the providers are not told, and their next word overwrites it.

    Raises NotFound, StaleStatus, LiveKeyRequired.
    """
    require_live(caller)
    domain = get(caller, domain_id)
    if command.status == DomainStatus.VERIFYING:
        return _start_verifying(domain)
    return store.move(domain, command.status, put={}, drop=(*due.FIELDS, "status_reason", "verified_at"))


def read_zone(caller: Caller, domain_id: str) -> dict[str, Any]:
    """The domain's records as they stand at Cloudflare; `checked` is false, and says why, when they cannot be read.

    Raises NotFound.
    """
    domain = get(caller, domain_id)
    cloudflare: dict[str, Any] = {"checked": False, "zoneId": None, "zoneName": None, "error": None}
    records: list[ZoneRecord] = []
    try:
        require_live(caller)
        zone = providers.dns().find_zone(domain.domain)
        if zone:
            cloudflare |= {"zoneId": zone.id, "zoneName": zone.name}
            records = providers.dns().list_records(zone, domain.domain)
        cloudflare |= {"checked": zone is not None, "error": None if zone else NO_ZONE}
    except (ProviderError, LiveKeyRequired) as error:
        cloudflare["error"] = str(error)
    return {
        "domain": {"id": domain.id, "domain": domain.domain, "status": domain.status},
        "cloudflare": cloudflare,
        "records": [record.model_dump(exclude={"comment"}) for record in records],
    }


def delete(caller: Caller, domain_id: str, *, wait_seconds: float) -> Operation | None:
    """Delete the domain, its records, its accounts and its registration. None once its row is gone.

    What a provider does not let go now is removed later and blocks nobody. Deleting again succeeds again.
    Raises NotFound, StoreUnavailable when the row could not be deleted in time.
    """
    require_live(caller)
    domain = store.get(caller.user_id, domain_id)
    operation_id = operations.about(domain_id, OFFBOARD)
    if domain:
        operation = operations.start(
            settings().offboard_domain_arn,
            kind=OFFBOARD,
            user_id=caller.user_id,
            subject_id=domain_id,
            name=domain.domain,
            request={"domain_id": domain_id, "domain": domain.domain},
            operation_id=operation_id,
        )
    else:
        operation = _previous(caller, operation_id)
    return operations.wait_until_gone(operation, wait_seconds, lambda: store.get(caller.user_id, domain_id) is None)


def dispatch_checks() -> int:
    """Queue the check of every verifying domain that is due; the number queued."""
    return due.dispatch(store.DUE_KIND, settings().verifications_queue_url, CHECK_LEASE)


def check(key: dict[str, str]) -> None:
    """Look at a domain that fell due. Raises ProviderError; the queue brings it again."""
    domain = store.read(key)
    if domain is None or domain.status == DomainStatus.VERIFIED:
        return
    live = providers.mail().get_domain(domain.domain)
    gone = MailDomain(domain_id=domain.domain, status="UNKNOWN")
    _refresh(domain, live or gone)


def verifier(domain: str) -> tuple[str, str] | None:
    """The tenant that verified a name, and its domain's id."""
    return store.verifier(domain)


def look_soon(domain: str) -> int:
    """Queue a look at every row of that name, of whatever tenant; the number queued."""
    keys = store.holders(domain)
    due.send(settings().verifications_queue_url, keys)
    return len(keys)


def require_live(caller: Caller) -> None:
    """Raises LiveKeyRequired for a test key: it never reaches a provider."""
    if not caller.live:
        raise LiveKeyRequired("A test key never reaches a provider: use a live key for this.")


def due_fields(domain_id: str, status: DomainStatus, triggered_at: str | None) -> dict[str, str]:
    """The attributes that bring a verifying domain to its next check; none in any other state."""
    if status != DomainStatus.VERIFYING or triggered_at is None:
        return {}
    return due.fields(store.DUE_KIND, domain_id, next_check(clock.parse(triggered_at), clock.now()))


def _trigger(domain: Domain, mail: MailProvider) -> Domain:
    if mail.get_domain(domain.domain) is None:
        mail.create_domain(domain.domain)
    if domain.status != DomainStatus.VERIFIED:
        domain = _start_verifying(domain)
    mail.verify_domain(domain.domain)
    return domain


def _previous(caller: Caller, operation_id: str) -> Operation:
    operation = operations.find(caller.user_id, operation_id)
    if operation is None:
        raise NotFound("There is no such domain.")
    return operation


def _look(domain: Domain) -> MailDomain | None:
    try:
        return providers.mail().get_domain(domain.domain)
    except ProviderError:
        return None


def _start_verifying(domain: Domain) -> Domain:
    now = clock.timestamp()
    put = {"verification_triggered_at": now, **due_fields(domain.id, DomainStatus.VERIFYING, now)}
    return store.move(domain, DomainStatus.VERIFYING, put=put, drop=("status_reason", "verified_at"))


def _refresh(domain: Domain, live: MailDomain) -> Domain:
    """Write what the provider says onto the row; whoever changed the row meanwhile wins."""
    now = clock.now()
    triggered_at = domain.verification_triggered_at
    to = status_after(domain.status, live.status, clock.parse(triggered_at) if triggered_at else None, now)
    put: dict[str, Any] = {}
    if live.records:
        records = [record.model_dump(exclude_none=True) for record in plain_records(live.records)]
        put = {"dns_records": records, "checks": checks(live.records, domain.domain).model_dump()}
    try:
        return _stay(domain, put) if to == domain.status else _change(domain, to, put, live)
    except (NotFound, StaleStatus):
        return store.get(domain.user_id, domain.id) or domain


def _stay(domain: Domain, put: dict[str, Any]) -> Domain:
    known = domain.model_dump(include={"dns_records", "checks"}, exclude_none=True)
    changed = {name: value for name, value in put.items() if value != known[name]}
    next_due = due_fields(domain.id, domain.status, domain.verification_triggered_at)
    if next_due.get("due_at") != domain.due_at:
        changed |= next_due
    last_look = domain.last_dns_check
    if changed or last_look is None or clock.parse(last_look) + LOOK_NOTED_EVERY <= clock.now():
        changed |= {"last_dns_check": clock.timestamp()}
        store.update(domain, put=changed)
    return Domain.model_validate(domain.model_dump() | changed)


def _change(domain: Domain, to: DomainStatus, put: dict[str, Any], live: MailDomain) -> Domain:
    now = clock.timestamp()
    put = put | {"last_dns_check": now}
    if to == DomainStatus.VERIFIED:
        verified = put | {"verified_at": now}
        beginning = steps.beginning(domain.user_id, domain.id)
        try:
            return store.verify(domain, put=verified, drop=(*due.FIELDS, "status_reason"), beginning=beginning)
        except DomainTaken:
            put |= {"status_reason": "another user verified this domain first"}
            return store.move(domain, DomainStatus.FAILED, put=put, drop=due.FIELDS)
    if to == DomainStatus.VERIFYING:
        triggered_at = now if domain.status == DomainStatus.VERIFIED else domain.verification_triggered_at
        put |= {"verification_triggered_at": triggered_at, **due_fields(domain.id, to, triggered_at)}
        return store.move(domain, to, put=put, drop=("verified_at", "status_reason"))
    over = f"not verified within {GIVE_UP.total_seconds() / 3600:.0f} hours"
    put |= {"status_reason": live.reason or (over if domain.status == DomainStatus.VERIFYING else live.status.lower())}
    return store.move(domain, to, put=put, drop=(*due.FIELDS, "verified_at"))
