"""Decisions about domains: registering, verifying, giving up."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from kindling import providers
from kindling.domains import store, verification, zones
from kindling.domains.model import (
    CreateDomain,
    Domain,
    DomainStatus,
    UpdateDomain,
    UpdateSendingDomain,
    purpose_of,
)
from kindling.domains.names import normal_form, why_reserved
from kindling.errors import InvalidRequest, LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Caller
from kindling.operations import service as operations
from kindling.operations.model import Operation
from kindling.platform import clock, due
from kindling.platform.settings import settings
from kindling.providers.model import ZoneRecord

# A dispatched check that dies is handed out again after this.
CHECK_LEASE = timedelta(minutes=5)
OFFBOARD = "offboard_domain"
# Without these nothing can be sent; the others are recommended.
REQUIRED = ("ownership", "dkim", "spf", "return_path")


def create(caller: Caller, command: CreateDomain, *, wait_seconds: float) -> Domain | Operation:
    """Start onboarding; the domain when that is done in time, otherwise the operation that goes on.

    Raises InvalidRequest for a reserved name, DomainExists, DomainTaken, LiveKeyRequired, or the error that made the
    saga fail.
    """
    _refuse_reserved(command.domain)
    require_live(caller)
    store.refuse_existing(caller.user_id, command.domain)
    verification.refuse_taken(caller.user_id, command.domain)
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
    try:
        name = normal_form(id_or_name)
    except ValueError as error:
        raise NotFound("There is no such domain.") from error
    domain = store.find(caller.user_id, name)
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
    found = {"ownership": domain.ownership.proven, **domain.checks.model_dump()}
    missing = [name.upper() for name, stands in found.items() if not stands]
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
    found = {"ownership": domain.ownership.proven, **domain.checks.model_dump()}
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
    looks = verification.look_at_all(domains)
    return [
        verification.refresh(domain, found) if found else domain for domain, found in zip(domains, looks, strict=True)
    ]


def verify(caller: Caller, domain_id: str, *, poll: bool) -> Domain:
    """Trigger the provider's check and start the ladder of re-checks anew; `poll` only reads the state there.

    A trigger restarts the provider's check, so a caller that waits should poll. Raises NotFound, ProviderError.
    """
    domain = get(caller, domain_id)
    if poll and not caller.live:
        return domain
    require_live(caller)
    if not poll:
        domain = _trigger(domain)
    found = verification.look(domain)
    return verification.refresh(domain, found) if found else domain


def override_status(caller: Caller, domain_id: str, command: UpdateDomain) -> Domain:
    """Set the status that the row shows; the providers are not told, and their next word overwrites it.

    Raises NotFound, StaleStatus, LiveKeyRequired.
    """
    require_live(caller)
    domain = get(caller, domain_id)
    if command.status == DomainStatus.VERIFYING:
        return _start_verifying(domain)
    drop = (*due.FIELDS, "status_reason", "verified_at", "verification_triggered_at")
    return store.move(domain, command.status, put={}, drop=drop)


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
        if zone and zones.is_bound(zone.name, caller.user_id):
            cloudflare |= {"checked": True, "zoneId": zone.id, "zoneName": zone.name}
            records = providers.dns().list_records(zone, domain.domain)
        else:
            cloudflare["error"] = zones.NOT_BOUND
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
    Raises NotFound, RowNotDeleted when the row could not be deleted in time.
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


def offboarded(owners: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Those of the domains, each by its tenant and id, whose deletion has finished: their names by their ids."""
    return {operation.subject_id: operation.name for operation in operations.succeeded(owners, OFFBOARD)}


def dispatch_checks() -> int:
    """Queue the check of every verifying domain that is due; the number queued."""
    return due.dispatch(store.DUE_KIND, settings().verifications_queue_url, CHECK_LEASE)


def check(key: dict[str, str]) -> None:
    """Look at a domain that fell due. Raises ProviderError; the queue brings it again."""
    domain = store.read(key)
    if domain:
        verification.refresh(domain, verification.look_due(domain))


def verifier(domain: str) -> tuple[str, str] | None:
    """The tenant that has a name verified, and its domain's id."""
    found = store.verifier(domain)
    return (found.user_id, found.domain_id) if found and found.domain_id else None


def look_soon(domain: str) -> int:
    """Queue a look at every row of that name, of whatever tenant; the number queued."""
    keys = store.holders(domain)
    due.send(settings().verifications_queue_url, keys)
    return len(keys)


def require_live(caller: Caller) -> None:
    """Raises LiveKeyRequired for a test key: it never reaches a provider."""
    if not caller.live:
        raise LiveKeyRequired("A test key never reaches a provider: use a live key for this.")


def _refuse_reserved(name: str) -> None:
    reason = why_reserved(name)
    if reason and not settings().reserved_names_allowed:
        raise InvalidRequest.of("request", [{"loc": ["domain"], "msg": reason}])


def _trigger(domain: Domain) -> Domain:
    mail = providers.mail()
    live = mail.get_domain(domain.domain) or mail.create_domain(domain.domain)
    if domain.status != DomainStatus.VERIFIED:
        domain = _start_verifying(domain)
    verification.trigger(live)
    return domain


def _previous(caller: Caller, operation_id: str) -> Operation:
    operation = operations.find(caller.user_id, operation_id)
    if operation is None:
        raise NotFound("There is no such domain.")
    return operation


def _start_verifying(domain: Domain) -> Domain:
    changes = {"status": DomainStatus.VERIFYING, "verification_triggered_at": clock.timestamp()}
    started = domain.model_copy(update=changes)
    put = {"verification_triggered_at": started.verification_triggered_at, **verification.due_fields(started)}
    return store.move(domain, DomainStatus.VERIFYING, put=put, drop=("status_reason", "verified_at"))
