"""Reading the findings, as a tenant and as the operator."""

from typing import Any

from kindling.inventory import store
from kindling.inventory.model import Finding
from kindling.keys.model import Caller


def list_findings(caller: Caller) -> dict[str, Any]:
    """The tenant's findings, newest first, and when the last complete run began."""
    findings = [finding.wire() for finding in store.list_of(caller.user_id)]
    return {"findings": findings, "checked_at": store.checked_at()}


def list_everything() -> list[Finding]:
    """Every finding, the operator's and all tenants', newest first."""
    return sorted(store.list_all(), key=lambda finding: finding.first_seen_at, reverse=True)
