"""DynamoDB calls for the findings of tenants and operator, and for the time of the last complete run."""

from kindling.inventory.model import GRACE, Finding, Sighting
from kindling.platform import clock, due, table
from kindling.platform.paging import Page, Paging, page
from kindling.platform.table import Action
from kindling.platform.tenancy import SHARED

# Never dispatched: the due index serves to list the findings of all tenants.
DUE_KIND = "finding"
_RUN_KEY = {"pk": "OPERATOR", "sk": "INVENTORY"}


def finding_key(sighting: Sighting) -> dict[str, str]:
    """The key of a sighting's finding: with the same key it is the same problem."""
    pk = f"TENANT#{sighting.user_id}" if sighting.user_id else "OPERATOR"
    parts = ["FINDING", sighting.problem, sighting.kind, sighting.target, sighting.subject_id]
    return {"pk": pk, "sk": "#".join(parts + [sighting.workspace] * (sighting.workspace != SHARED))}


def write(finding: Finding) -> None:
    """Write a finding; it replaces the one with the same key."""
    key = finding_key(finding)
    first_seen_at = finding.first_seen_at
    fields = due.fields(DUE_KIND, key["sk"], clock.parse(first_seen_at) + GRACE)
    owner = f"{finding.user_id or 'operator'}#finding"
    item = {**key, "owner": owner, "created_at": first_seen_at, **finding.model_dump(mode="json", exclude_none=True)}
    table.put({**item, **fields})


def list_all() -> list[Finding]:
    """All findings, of the operator and of every tenant."""
    return [Finding.model_validate(item) for item in table.existing(due.every(DUE_KIND))]


def page_of(user_id: str, paging: Paging) -> Page[Finding]:
    """The tenant's findings, newest first."""
    return page(f"{user_id}#finding", Finding.model_validate, paging)


def deleted(finding: Finding) -> Action:
    """Delete a finding, as part of a transaction."""
    return {"Delete": {"Key": finding_key(finding)}}


def delete(finding: Finding) -> None:
    table.delete(finding_key(finding))


def record_run(checked_at: str, but_for: list[str]) -> None:
    """Record when a run began that was complete, but for the tenants whose own workspaces could not be listed."""
    table.put({**_RUN_KEY, "checked_at": checked_at, "but_for": but_for})


def checked_at(user_id: str = SHARED) -> str | None:
    """When the last complete run began; None for a tenant whose own workspaces it could not list."""
    item = table.get(_RUN_KEY)
    return str(item["checked_at"]) if item and user_id not in item.get("but_for", ()) else None
