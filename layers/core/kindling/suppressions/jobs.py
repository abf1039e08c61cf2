"""An import of suppressions: checked and kept first, then committed, which writes its addresses page by page.

The job counts the pages that are written, in the same transaction as their addresses: each is written once, whoever
goes on after a crash and however many do at the same time.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from math import ceil
from operator import itemgetter
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from kindling.platform import clock
from kindling.platform.paging import Page, Paging, page_in
from kindling.platform.table import TRANSACTION_LIMIT
from kindling.platform.transitions import Graph
from kindling.suppressions.model import Reason
from kindling.suppressions.rows import Problem

DUE_KIND = "import"
# How long a job waits for its commit.
WAITS = timedelta(days=1)
# How long it is kept: a commit that begins in the last moment still finds its addresses a week later.
KEPT = timedelta(days=8)
# The addresses of one transaction, in which the job has a place, too.
PAGE_ROWS = TRANSACTION_LIMIT - 1


class ImportState(StrEnum):
    PREVIEWED = "previewed"
    COMMITTING = "committing"
    COMMITTED = "committed"


PREVIEWED, COMMITTING, COMMITTED = ((state,) for state in ImportState)
ALLOWED: dict[tuple[ImportState, ...], frozenset[tuple[ImportState, ...]]] = {
    PREVIEWED: frozenset({COMMITTING}),
    COMMITTING: frozenset({COMMITTED}),
    COMMITTED: frozenset(),
}
GRAPH = Graph(("state",), ALLOWED)


class PreviewImport(BaseModel):
    """The body of `POST /v1/imports/suppressions/preview`: a CSV as a text, or rows.

    A row has an `email` and may have a `reason`; a `reason` beside the rows is that of all of them.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"csv": "email,reason\npat@example.com,complaint\nlee@example.com,\n"}],
        },
    )

    csv: str | None = None
    rows: list[dict[str, Any]] | None = None
    reason: Reason | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.csv is None) == (self.rows is None):
            raise ValueError("must have either csv or rows")
        return self


class ReadImport(Paging):
    """The query of `GET /v1/imports/suppressions/jobs/{job_id}`, for a page of the rows with problems."""


class Import(BaseModel):
    """The row of a job. `total` counts rows, `valid` addresses, `suppressed` those of them that were so before.

    `pages_written` counts pages of `PAGE_ROWS` addresses; `committed_at` is when the commit was first asked for.
    """

    job_id: str
    user_id: str
    state: ImportState = ImportState.PREVIEWED
    total: int
    valid: int
    invalid: int
    duplicate: int
    suppressed: int
    ignored: list[str]
    pages_written: int = 0
    created_at: str
    committed_at: str | None = None

    @property
    def pages(self) -> int:
        """How many pages its addresses fill; one at least, so that an import without any ends, too."""
        return max(ceil(self.valid / PAGE_ROWS), 1)

    @property
    def commit_by(self) -> datetime:
        """When it is forgotten unless its commit has begun."""
        return clock.parse(self.created_at) + WAITS

    @property
    def expires_at(self) -> datetime:
        """When it is forgotten in any case."""
        return clock.parse(self.created_at) + KEPT

    @property
    def forgotten(self) -> bool:
        """Whether it is there no more, although the table's time to live may not have come by yet."""
        return clock.now() >= (self.commit_by if self.state == ImportState.PREVIEWED else self.expires_at)

    def wire(self) -> dict[str, Any]:
        """The job as the API returns it."""
        return {
            "job_id": self.job_id,
            "status": self.state,
            "total_rows": self.total,
            "valid_rows": self.valid,
            "invalid_rows": self.invalid,
            "duplicate_rows": self.duplicate,
            "already_suppressed": self.suppressed,
            "written_rows": min(self.pages_written * PAGE_ROWS, self.valid),
            "ignored_columns": self.ignored,
            "created_at": self.created_at,
            "commit_by": clock.timestamp(self.commit_by),
            "committed_at": self.committed_at,
        }


def import_key(user_id: str, job_id: str) -> dict[str, str]:
    """The key of a job's row."""
    return {"pk": f"TENANT#{user_id}", "sk": f"IMPORT#{job_id}"}


def rows_partition(user_id: str, job_id: str) -> str:
    """The partition key of a job's addresses and of its rows with problems."""
    return f"TENANT#{user_id}#IMPORT#{job_id}"


def page_of(job: Import, problems: Iterable[Problem], paging: Paging) -> Page[Problem]:
    """A page of the job's rows with problems, which are in their order."""
    items = (
        {"problem": one, "created_at": job.created_at, "pk": job.job_id, "sk": f"{one.number:09}"} for one in problems
    )
    return page_in(items, itemgetter("problem"), paging)
