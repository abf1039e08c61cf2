"""The list of what is still to be removed at the providers."""

from kindling.cleanups import service
from kindling.cleanups.model import STUCK_ATTEMPTS, Cleanup
from kindling.console.html import Html, tag
from kindling.console.layout import badge, empty, page, pager, table
from kindling.console.numbers import code, count, moment
from kindling.console.visit import Visit
from kindling.platform.paging import Paging

ROWS = 50
WHAT = (
    "What a deletion could not remove at a provider is tried again by itself until it is gone. From ten attempts on, "
    "which is about a day, it is called stuck: its last error says what to look at."
)


def show_all(visit: Visit) -> Html:
    """A page of the tenant's cleanups that are not done, newest first."""
    found = service.list_cleanups(visit.caller, visit.read(Paging, "cursor", limit=ROWS))
    heads = ("What", "Of", "State", "Attempts", "Last error", "Next attempt", "Since")
    rows = [
        (
            code(one.kind),
            one.target,
            _state(one),
            count(one.attempts),
            one.last_error or "",
            moment(one.due_at, "not planned"),
            moment(one.created_at),
        )
        for one in found.rows
    ]
    none = empty("Nothing is left to be removed.", "What a deletion cannot remove at once appears here.")
    listed = table("Cleanups, newest first", heads, rows, numeric=(3,)) if rows else none
    about = tag("p", WHAT, class_="faint")
    return page(visit, "Cleanups", tag("h1", "Cleanups"), about, listed, pager(visit, found.next_cursor))


def _state(cleanup: Cleanup) -> Html:
    return badge("stuck", "bad") if cleanup.attempts >= STUCK_ATTEMPTS else badge("waiting", "busy")
