"""Use cases of domains: create, list, verify, publish, update, delete."""

import uuid
from typing import Any

from kindling import providers
from kindling.domains import claims, publishing, registrations, store, verification, zones
from kindling.domains.lookup import ABSENT, get
from kindling.domains.model import (
    OFFBOARD,
    ONBOARD,
    CreateDomain,
    Domain,
    DomainStatus,
    ListDomains,
    UpdateDomain,
    UpdateSendingDomain,
)
from kindling.errors import InvalidRequest, LiveKeyRequired, NotFound, ProviderError
from kindling.keys.model import Caller
from kindling.operations import service as operations
from kindling.operations.model import Operation
from kindling.platform import clock, due
from kindling.platform.names import why_reserved
from kindling.platform.paging import Page
from kindling.platform.settings import settings
from kindling.providers.model import ZoneRecord

# A row is not refreshed with less time than this.
WRITE_SECONDS = 1.0


def create(caller: Caller, command: CreateDomain, *, wait_seconds: float) -> Domain | Operation:
    """Start onboarding; the domain when it is saved within `wait_seconds`, otherwise the running operation.

    Raises InvalidRequest for a reserved name, DomainExists, DomainTaken, LiveKeyRequired, or the error that made the
    saga fail.
    """
    _refuse_reserved(command.domain)
    caller.require_live()
    claims.refuse_existing(caller.user_id, command.domain)
    verification.refuse_taken(caller.user_id, command.domain)
    domain_id = str(uuid.uuid4())
    operation = operations.start(
        settings().onboard_domain_arn,
        kind=ONBOARD,
        user_id=caller.user_id,
        subject_id=domain_id,
        name=command.domain,
        request={"domain_id": domain_id, **command.model_dump(mode="json")},
    )
    operation = operations.wait(operation, wait_seconds)
    operations.raise_failure(operation)
    return get(caller, domain_id) if operation.finished else operation


def update(caller: Caller, domain: Domain, command: UpdateSendingDomain) -> Domain:
    """Change the type, `catch_all_enabled` or `active`. Raises NotFound, LiveKeyRequired."""
    caller.require_live()
    return store.change(domain, command.model_dump(mode="json", exclude_none=True))


def list_domains(caller: Caller, query: ListDomains) -> tuple[Page[Domain], set[str]]:
    """The tenant's domains, newest first, refreshed from provider and DNS; and the ids of those that are stale.

    They are not refreshed, and none is stale, with `skip_sync` or for a test key. A domain is stale when the provider
    failed, was too slow or does not know it.
    """
    page = store.page_of(caller.user_id, query)
    if query.skip_sync or not caller.live or not page.rows:
        return page, set()
    rows: list[Domain] = []
    stale: set[str] = set()
    for domain, latest in zip(page.rows, verification.look_at_all(page.rows), strict=True):
        if latest and clock.has(WRITE_SECONDS):
            rows.append(verification.refresh(domain, latest))
        else:
            rows.append(domain)
            stale.add(domain.id)
    return Page(rows, page.next_cursor), stale


def verify(caller: Caller, domain_id: str, *, poll: bool) -> Domain:
    """Trigger the provider's check, restart the scheduled ones, and refresh the row.

    Registration and records that were lost at the providers are restored first. With `poll` the row is only refreshed:
    a trigger restarts the provider's check, so clients that wait for the result should poll. Raises NotFound,
    StaleStatus, LiveKeyRequired, ProviderError.
    """
    domain = get(caller, domain_id)
    if poll and not caller.live:
        return domain
    caller.require_live()
    if not poll:
        domain = _trigger(domain)
    latest = verification.look(domain)
    return verification.refresh(domain, latest) if latest else domain


def override_status(caller: Caller, domain_id: str, command: UpdateDomain) -> Domain:
    """Set the status of the row. No provider is called, and the next check overwrites it.

    Raises NotFound, StaleStatus, LiveKeyRequired.
    """
    caller.require_live()
    domain = get(caller, domain_id)
    if command.status == DomainStatus.VERIFYING:
        return _start_verifying(domain)
    drop = (*due.FIELDS, "status_reason", "verified_at", "verification_triggered_at")
    return store.move(domain, command.status, put={}, drop=drop)


def read_zone(caller: Caller, domain_id: str) -> dict[str, Any]:
    """The domain's records at Cloudflare. Raises NotFound.

    When they cannot be read, `cloudflare.checked` is false and `cloudflare.error` says why.
    """
    domain = get(caller, domain_id)
    cloudflare: dict[str, Any] = {"checked": False, "zoneId": None, "zoneName": None, "error": None}
    records: list[ZoneRecord] = []
    try:
        caller.require_live()
        zone = providers.dns().find_zone(domain.domain)
        if zone and zones.is_bound(zone.name, caller.user_id):
            cloudflare |= {"checked": True, "zoneId": zone.id, "zoneName": zone.name}
            records = providers.dns().list_records(zone, domain.domain)
        else:
            cloudflare["error"] = zones.NOT_BOUND
    except (ProviderError, LiveKeyRequired) as error:
        cloudflare["error"] = str(error)
    return {
        "domain": _reference(domain),
        "cloudflare": cloudflare,
        "records": [record.model_dump(exclude={"comment"}) for record in records],
    }


def sync_dns(caller: Caller, domain_id: str, *, dry_run: bool) -> dict[str, Any]:
    """Publish the domain's records in the tenant's zone, without a check after it; with `dry_run` only say how.

    What Cloudflare refuses or leaves undone is told in `dns_sync`. Raises NotFound, LiveKeyRequired, and ProviderError
    when the mail provider does not tell which records it asks for.
    """
    domain = get(caller, domain_id)
    caller.require_live()
    live = providers.mail().get_domain(domain.domain)
    if dry_run:
        publication = publishing.preview(domain, live)
    else:
        domain, publication = publishing.republish(domain, live)
    return {"domain": _reference(domain), **publication.wire(), "dry_run": dry_run}


def delete(caller: Caller, domain_id: str, *, wait_seconds: float) -> Operation | None:
    """Delete the domain, its records, its accounts and its registration. None once its row is gone. Idempotent.

    What a provider does not remove in time is left to cleanups. Raises NotFound, LiveKeyRequired, and RowNotDeleted
    when the row still exists after `wait_seconds`.
    """
    caller.require_live()
    domain = store.get(caller.user_id, domain_id)
    operation = _start_deletion(domain) if domain else operations.previous(caller.user_id, domain_id, OFFBOARD)
    if operation is None:
        raise NotFound(ABSENT)
    return operations.wait_until_gone(operation, wait_seconds, lambda: store.get(caller.user_id, domain_id) is None)


def _refuse_reserved(name: str) -> None:
    reason = why_reserved(name)
    if reason and not settings().reserved_names_allowed:
        raise InvalidRequest.of("request", [{"loc": ["domain"], "msg": reason}])


def _start_deletion(domain: Domain) -> Operation:
    return operations.start(
        settings().offboard_domain_arn,
        kind=OFFBOARD,
        user_id=domain.user_id,
        subject_id=domain.id,
        name=domain.domain,
        request={"domain_id": domain.id, "domain": domain.domain},
        operation_id=operations.id_of(domain.id, OFFBOARD),
    )


def _reference(domain: Domain) -> dict[str, str]:
    return {"id": domain.id, "domain": domain.domain, "status": domain.status}


def _trigger(domain: Domain) -> Domain:
    name = domain.domain
    live = providers.mail().get_domain(name) or registrations.register(name, domain.user_id, domain.id)
    domain, _ = publishing.republish(domain, live)
    if domain.status != DomainStatus.VERIFIED:
        domain = _start_verifying(domain)
    verification.trigger(live)
    return domain


def _start_verifying(domain: Domain) -> Domain:
    changes = {"status": DomainStatus.VERIFYING, "verification_triggered_at": clock.timestamp()}
    started = domain.model_copy(update=changes)
    put = {"verification_triggered_at": started.verification_triggered_at, **verification.due_fields(started)}
    return store.move(domain, DomainStatus.VERIFYING, put=put, drop=("status_reason", "verified_at"))
