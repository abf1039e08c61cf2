"""Answers about imports of suppressions."""

from http import HTTPStatus
from typing import ClassVar, Self

from kindling.entry.answers import Answer, Listed, Shown
from kindling.platform.paging import Page
from kindling.suppressions.jobs import Import, ImportState
from kindling.suppressions.rows import Problem, ProblemKind


class ShownProblem(Shown):
    """Why a row suppresses nothing. The first line of a CSV is row 1, and so is the first of other rows."""

    row: int
    kind: ProblemKind
    message: str


class ShownImport(Shown):
    """An import of suppressions. Unless it is committed, it is forgotten at `commit_by`.

    `valid_rows` have an address each, of which `already_suppressed` were so at the preview; `written_rows` are
    suppressed by now. What stood in `ignored_columns` was not read.
    """

    job_id: str
    status: ImportState
    total_rows: int
    valid_rows: int
    invalid_rows: int
    duplicate_rows: int
    already_suppressed: int
    written_rows: int
    ignored_columns: list[str]
    created_at: str
    commit_by: str
    committed_at: str | None


class ImportAnswer(Listed, ShownImport):
    """An import, and a page of its rows that suppress nothing."""

    problems: list[ShownProblem]

    @classmethod
    def of(cls, job: Import, page: Page[Problem]) -> Self:
        problems = [{"row": one.number, "kind": one.kind, "message": one.message} for one in page.rows]
        return cls.model_validate({**job.wire(), "problems": problems, "next_cursor": page.next_cursor})


class ImportPreviewed(ImportAnswer):
    """A new import, with the first hundred of its rows that suppress nothing."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.CREATED


class ImportCommitted(Answer, ShownImport):
    """An import whose addresses are suppressed."""


class ImportCommitting(ImportCommitted):
    """An import whose addresses are still being written; `Location` is where to ask for it."""

    http_status: ClassVar[HTTPStatus] = HTTPStatus.ACCEPTED
    header_names: ClassVar[tuple[str, ...]] = ("Location",)

    def headers(self) -> dict[str, str]:
        return {"Location": f"/v1/imports/suppressions/jobs/{self.job_id}"}


def committed(job: Import) -> ImportCommitted | ImportCommitting:
    """The answer to a commit: what is done, or what still goes on."""
    answer = ImportCommitted if job.state == ImportState.COMMITTED else ImportCommitting
    return answer.model_validate(job.wire())
