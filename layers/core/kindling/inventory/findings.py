"""Reading the findings, as a tenant and as the operator."""

from kindling.inventory import store
from kindling.inventory.model import Finding
from kindling.keys.model import Caller
from kindling.platform.paging import Page, Paging


def list_findings(caller: Caller, paging: Paging) -> tuple[Page[Finding], str | None]:
    """The tenant's findings, newest first, and when the last complete run began."""
    return store.page_of(caller.user_id, paging), store.checked_at(caller.user_id)


def list_everything() -> list[Finding]:
    """Every finding, the operator's and all tenants', newest first."""
    return sorted(store.list_all(), key=lambda finding: finding.first_seen_at, reverse=True)
