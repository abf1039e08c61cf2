"""DynamoDB calls for findings: the tenants' and the operator's, and when a round was complete last."""

from kindling.inventory.model import GRACE, Finding, Sighting
from kindling.platform import clock, due, table
from kindling.platform.table import Action

# Nothing claims them: so all findings are found through the index of what is due.
DUE_KIND = "finding"
_ROUND = {"pk": "OPERATOR", "sk": "INVENTORY"}


def at(sighting: Sighting) -> dict[str, str]:
    pk = f"TENANT#{sighting.user_id}" if sighting.user_id else "OPERATOR"
    parts = ("FINDING", sighting.problem, sighting.kind, sighting.target, sighting.subject_id)
    return {"pk": pk, "sk": "#".join(parts)}


def write(finding: Finding) -> None:
    key = at(finding)
    first_seen_at = finding.first_seen_at
    fields = due.fields(DUE_KIND, key["sk"], clock.parse(first_seen_at) + GRACE)
    owner = f"{finding.user_id or 'operator'}#finding"
    item = {**key, "owner": owner, "created_at": first_seen_at, **finding.model_dump(mode="json", exclude_none=True)}
    table.put({**item, **fields})


def everything() -> list[Finding]:
    """Every finding, the operator's and all tenants'."""
    return [Finding.model_validate(item) for item in table.standing(due.every(DUE_KIND))]


def list_of(user_id: str) -> list[Finding]:
    """The tenant's findings, newest first."""
    return [Finding.model_validate(item) for item in table.owned(f"{user_id}#finding")]


def forgetting(finding: Finding) -> Action:
    """The part of a transaction that ends a finding."""
    return {"Delete": {"Key": at(finding)}}


def forget(finding: Finding) -> None:
    table.delete(at(finding))


def note_round(checked_at: str) -> None:
    table.put({**_ROUND, "checked_at": checked_at})


def checked_at() -> str | None:
    """When the last complete round began."""
    item = table.get(_ROUND)
    return str(item["checked_at"]) if item else None
