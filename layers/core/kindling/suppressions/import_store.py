"""DynamoDB calls for imports: an item for the job, one for each page of addresses, and some for rows with problems.

An address costs three write units when it is written, two of the transaction and one of the index `by_owner`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kindling.errors import StoreUnavailable
from kindling.platform import clock, due, table
from kindling.platform.table import Action
from kindling.suppressions import parts
from kindling.suppressions.jobs import (
    COMMITTED,
    COMMITTING,
    DUE_KIND,
    GRAPH,
    PAGE_ROWS,
    Import,
    ImportState,
    import_key,
    rows_partition,
)
from kindling.suppressions.model import Reason, Source, Suppression, suppression_key
from kindling.suppressions.rows import Problem, ProblemKind

# So many problems stay below the 400 KB of an item, each with its longest sentence in the longest letters.
PROBLEMS_PER_ITEM = 200


def put(job: Import, addresses: dict[str, Reason], problems: list[Problem]) -> None:
    """Write a job, last of all, so that none is without its rows."""
    kept = {"created_at": job.created_at, "expires_at": int(job.expires_at.timestamp())}
    pk = rows_partition(job.user_id, job.job_id)
    entries = [[email, reason.value] for email, reason in addresses.items()]
    told = [[problem.number, problem.kind.value, problem.message] for problem in problems]
    for prefix, rows, size in (("PAGE", entries, PAGE_ROWS), ("PROBLEMS", told, PROBLEMS_PER_ITEM)):
        # One page at least, so that an import without addresses is committed like any other.
        for number, start in enumerate(range(0, len(rows), size) or [0]):
            table.put({"pk": pk, "sk": _place(prefix, number), "rows": rows[start : start + size], **kept})
    table.put({**import_key(job.user_id, job.job_id), **job.model_dump(mode="json", exclude_none=True), **kept})


def read(key: dict[str, str]) -> Import | None:
    item = table.get(key)
    return Import.model_validate(item) if item else None


def get(user_id: str, job_id: str) -> Import | None:
    return read(import_key(user_id, job_id))


def suppressed(user_id: str, emails: list[str]) -> int:
    """How many of the addresses the tenant suppresses already."""
    return sum(1 for _ in table.existing(suppression_key(user_id, email) for email in emails))


def problems(job: Import) -> Iterator[Problem]:
    """The job's rows with problems, in their order."""
    for item in table.below(rows_partition(job.user_id, job.job_id), "PROBLEMS#"):
        for number, kind, message in item["rows"]:
            yield Problem(int(number), ProblemKind(kind), message)


def begin(job: Import, due_at: datetime) -> Import:
    """Move a job to its commit, which is continued from `due_at` on. Idempotent. Raises NotFound, StaleStatus."""
    scheduled = due.fields(DUE_KIND, job.job_id, due_at)
    put = {"committed_at": clock.timestamp(), **scheduled}
    return Import.model_validate(GRAPH.move(import_key(job.user_id, job.job_id), COMMITTING, put=put))


def write_page(job: Import) -> Import | None:
    """Suppress the addresses of the job's next page and count it; None when somebody else has meanwhile.

    Raises StoreUnavailable.
    """
    page = table.get({"pk": rows_partition(job.user_id, job.job_id), "sk": _place("PAGE", job.pages_written)})
    if page is None:
        raise StoreUnavailable("A page of the import was not found.")
    written = job.pages_written + 1
    last = written == job.pages
    update = GRAPH.update(
        import_key(job.user_id, job.job_id),
        COMMITTED if last else COMMITTING,
        put={"pages_written": written},
        drop=due.FIELDS if last else (),
        seen={"pages_written": job.pages_written},
        only_from={COMMITTING},
    )
    try:
        table.transact([*_entries(job, page["rows"]), {"Update": update}])
    except table.TransactionFailed:
        return None
    state = ImportState.COMMITTED if last else ImportState.COMMITTING
    return job.model_copy(update={"state": state, "pages_written": written})


def _entries(job: Import, rows: list[Any]) -> Iterator[Action]:
    for email, reason in rows:
        made = {"reason": reason, "source": Source.IMPORT, "created_at": job.committed_at}
        yield parts.added(Suppression(user_id=job.user_id, email=email, **made))


def _place(prefix: str, number: int) -> str:
    return f"{prefix}#{number:06}"
