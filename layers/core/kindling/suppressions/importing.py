"""Use cases of imports: check rows and keep them, tell of a job, commit it, go on with what was not finished."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING

from kindling.errors import NotFound, StaleStatus, StoreUnavailable
from kindling.platform import clock, due
from kindling.platform.observability import logger
from kindling.platform.paging import Page, Paging
from kindling.suppressions import import_store as store
from kindling.suppressions.jobs import DUE_KIND, PAGE_ROWS, Import, ImportState, PreviewImport, page_of
from kindling.suppressions.rows import Checked, Problem, ProblemKind, check_csv, check_rows

if TYPE_CHECKING:
    from kindling.keys.model import Caller

# How many rows with problems a preview tells; the job tells all of them, page by page.
SHOWN = 100
# How long a commit writes before it answers, and how long the poller writes for one job before it turns to the next.
ANSWER_SECONDS = 10.0
TURN_SECONDS = 60.0
# A job is left to those who ask for its commit as long, and for so long to the poller that works on it.
LEASE = timedelta(minutes=2)
# A partition of DynamoDB takes 1,000 write units a second. All addresses of a tenant are in one, and cost two each.
ROWS_PER_SECOND = 250
# No page is begun with less time than this.
LEAST_SECONDS = 1.0


def preview(caller: "Caller", command: PreviewImport) -> tuple[Import, Page[Problem]]:
    """Check the rows of an import and keep it for its commit; nothing is suppressed. Raises LiveKeyRequired.

    Raises InvalidRequest when the rows cannot be read at all, or are too many.
    """
    caller.require_live()
    checked = _check(command)
    job = Import(
        job_id=str(uuid.uuid4()),
        user_id=caller.user_id,
        total=checked.total,
        valid=len(checked.valid),
        invalid=checked.count(ProblemKind.INVALID),
        duplicate=checked.count(ProblemKind.DUPLICATE),
        suppressed=store.suppressed(caller.user_id, list(checked.valid)),
        ignored=checked.ignored,
        created_at=clock.timestamp(),
    )
    store.put(job, checked.valid, checked.problems)
    return job, page_of(job, checked.problems, Paging(limit=SHOWN))


def get(caller: "Caller", job_id: str, paging: Paging) -> tuple[Import, Page[Problem]]:
    """The tenant's job and a page of its rows with problems. Raises NotFound."""
    job = _find(caller.user_id, job_id)
    return job, page_of(job, store.problems(job), paging)


def commit(caller: "Caller", job_id: str) -> Import:
    """Suppress the job's addresses, as many as there is time for; the poller goes on with the others.

    Idempotent: a job that is committed is answered as it is, and an entry that exists is left unchanged. Raises
    NotFound, LiveKeyRequired.
    """
    caller.require_live()
    job = _find(caller.user_id, job_id)
    if job.state == ImportState.PREVIEWED:
        try:
            job = store.begin(job, clock.now() + LEASE)
        except StaleStatus:
            job = _find(caller.user_id, job_id)
    return _carry_on(job, ANSWER_SECONDS)


def resume() -> int:
    """Go on with every commit that is due; the number of those that are finished now."""
    finished = 0
    for key in due.claim(DUE_KIND, LEASE):
        job = store.read(key)
        if job is None or job.forgotten or job.state != ImportState.COMMITTING:
            continue
        try:
            job = _carry_on(job, TURN_SECONDS)
        except StoreUnavailable:
            # Due again when the lease ends; the other tenants' go on.
            logger.warning("import not continued", job_id=job.job_id, exc_info=True)
            continue
        if job.state == ImportState.COMMITTED:
            finished += 1
        else:
            due.put_off(key)
    return finished


def _check(command: PreviewImport) -> Checked:
    if command.csv is not None:
        return check_csv(command.csv, command.reason)
    return check_rows(command.rows or [], command.reason)


def _find(user_id: str, job_id: str) -> Import:
    job = store.get(user_id, job_id)
    if job is None or job.forgotten:
        raise NotFound("There is no such import.")
    return job


def _carry_on(job: Import, seconds: float) -> Import:
    """Write pages of a commit for so long, at a pace that leaves room for the tenant's other writes; the job then."""
    with clock.within(seconds):
        while job.state == ImportState.COMMITTING and clock.has(LEAST_SECONDS):
            began = clock.monotonic()
            job = store.write_page(job) or _find(job.user_id, job.job_id)
            pause = PAGE_ROWS / ROWS_PER_SECOND - (clock.monotonic() - began)
            if job.state == ImportState.COMMITTING:
                clock.sleep(clock.left(max(pause, 0.0)))
    return job
