"""The routes of /v1/imports/suppressions: a preview that writes nothing, and a commit that writes everything once."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from postscale import Postscale

from kindling.errors import StoreUnavailable
from kindling.platform import aws, clock, due, table
from kindling.suppressions import importing
from kindling.suppressions.jobs import DUE_KIND, PAGE_ROWS
from tests.conftest import Kindling, issue
from tests.functions.api.test_send import is_refused
from tests.functions.api.test_suppressions import LIST, emails
from tests.harness.cases import Gateway
from tests.harness.lambdas import Api, invoke

PREVIEW = "/v1/imports/suppressions/preview"
JOBS = "/v1/imports/suppressions/jobs"
ABSENT = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
TEXT = "email,reason,created\nPat@Example.com,complaint,1\nnobody,,2\npat@example.com,,3\nlee@example.com,,4\n"


def preview(kindling: Kindling, count: int = 0, **body: Any) -> dict[str, Any]:
    rows = [{"email": f"p{number}@example.com", "reason": "unsubscribe"} for number in range(count)]
    reply = kindling.api.post(PREVIEW, body or {"rows": rows})
    assert reply.status == 201, reply.body
    return dict(reply.body)


def commit(kindling: Kindling, job_id: str, status: int = 200) -> dict[str, Any]:
    reply = kindling.api.post(f"{JOBS}/{job_id}/commit")
    assert reply.status == status, reply.body
    return dict(reply.body)


def suppressed() -> dict[str, Any]:
    """The entries of all tenants, by their addresses."""
    items: list[dict[str, Any]] = aws.table().scan()["Items"]
    return {str(item["email"]): item for item in items if item["sk"].startswith("SUPPRESSION#")}


def tick(kindling: Kindling) -> int:
    """Run the poller five minutes later; how many imports it has finished."""
    kindling.clock.advance(minutes=5)
    return int(invoke("ReconcileOperationsFunction", {})["imported"])


def test_an_import_from_its_preview_to_its_end(kindling: Kindling) -> None:
    assert kindling.api.post(LIST, {"email": "pat@example.com", "reason": "manual"}).status == 201
    kindling.clock.advance(hours=1)
    made = preview(kindling, csv=TEXT)
    [asked] = kindling.api.get("/v1/audit", subject=made["job_id"]).body["entries"]
    assert (asked["route"], asked["outcome"]) == (PREVIEW, "succeeded")
    expected = {
        "job_id": made["job_id"],
        "status": "previewed",
        "total_rows": 4,
        "valid_rows": 2,
        "invalid_rows": 1,
        "duplicate_rows": 1,
        "already_suppressed": 1,
        "written_rows": 0,
        "ignored_columns": ["created"],
        "created_at": "2026-03-01T10:00:00.000Z",
        "commit_by": "2026-03-02T10:00:00.000Z",
        "committed_at": None,
    }
    problems = [
        {"row": 3, "kind": "invalid", "message": "email: must be one address such as kim@example.com"},
        {"row": 4, "kind": "duplicate", "message": "is the same address as in row 2"},
    ]
    assert made == {**expected, "problems": problems}
    path = f"{JOBS}/{made['job_id']}"
    assert kindling.reader.get(path).body == made
    assert emails(kindling.api.get(LIST).body) == ["pat@example.com"]

    kindling.clock.advance(hours=1)
    done = commit(kindling, made["job_id"])
    since = {"status": "committed", "written_rows": 2, "committed_at": "2026-03-01T11:00:00.000Z"}
    assert done == expected | since
    assert kindling.api.get(path).body == expected | since | {"problems": problems}
    # The entry that was there keeps its reason.
    shown = {row["email"]: (row["reason"], row["source"]) for row in kindling.api.get(LIST).body["suppressions"]}
    assert shown == {"pat@example.com": ("manual", "api"), "lee@example.com": ("manual", "import")}
    assert [row["email"] for row in kindling.api.get(LIST, source="import").body["suppressions"]] == ["lee@example.com"]

    # What is allowed again afterwards stays allowed, however often the commit is asked for.
    assert kindling.api("DELETE", f"{LIST}/lee@example.com").status == 200
    assert commit(kindling, made["job_id"]) == done
    assert tick(kindling) == 0
    assert emails(kindling.api.get(LIST).body) == ["pat@example.com"]


def test_the_official_client_imports(kindling: Kindling, tmp_path: Path) -> None:
    transport = httpx.MockTransport(Gateway(tmp_path))
    with Postscale(kindling.api.key, base_url="http://here", client=httpx.Client(transport=transport)) as client:
        made = client.suppressions.import_preview({"rows": [{"email": "pat@example.com", "reason": "hard_bounce"}]})
        assert made.data
        assert client.suppressions.commit_import(made.data["job_id"]).error is None
        job = client.suppressions.import_job(made.data["job_id"])
        assert job.data
        assert (job.data["status"], job.data["written_rows"]) == ("committed", 1)


def test_problems_come_in_pages(kindling: Kindling) -> None:
    rows = [{"email": f"nobody {number}"} for number in range(250)]
    made = preview(kindling, rows=rows)
    assert (made["invalid_rows"], len(made["problems"]), made["problems"][99]["row"]) == (250, 100, 100)
    path = f"{JOBS}/{made['job_id']}"
    rest = kindling.api.get(path, cursor=made["next_cursor"]).body
    assert [one["row"] for one in rest["problems"]] == list(range(101, 251))
    assert "next_cursor" not in rest
    assert [one["row"] for one in kindling.api.get(path, limit="3").body["problems"]] == [1, 2, 3]
    # Nothing is left to write, and the commit ends.
    assert commit(kindling, made["job_id"])["status"] == "committed"
    assert suppressed() == {}


@pytest.mark.parametrize("count", [PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1])
def test_every_address_of_every_page_is_written(kindling: Kindling, count: int) -> None:
    made = preview(kindling, count)
    assert commit(kindling, made["job_id"])["written_rows"] == count
    entries = suppressed()
    assert len(entries) == count
    assert {entry["reason"] for entry in entries.values()} == {"unsubscribe"}


def test_a_long_commit_answers_in_time_and_the_poller_finishes_it(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ANSWER_SECONDS", 1.5)
    monkeypatch.setattr(importing, "TURN_SECONDS", 1.5)
    made = preview(kindling, 5 * PAGE_ROWS)
    began = clock.monotonic()
    reply = kindling.api.post(f"{JOBS}/{made['job_id']}/commit")
    assert (reply.status, reply.headers["Location"]) == (202, f"{JOBS}/{made['job_id']}")
    assert (reply.body["status"], reply.body["written_rows"]) == ("committing", 2 * PAGE_ROWS)
    # The pace leaves the partition of the tenant to others.
    assert clock.monotonic() - began >= 2 * PAGE_ROWS / importing.ROWS_PER_SECOND
    assert (tick(kindling), len(suppressed())) == (0, 4 * PAGE_ROWS)
    assert (tick(kindling), len(suppressed())) == (1, 5 * PAGE_ROWS)
    assert kindling.api.get(f"{JOBS}/{made['job_id']}").body["status"] == "committed"
    assert tick(kindling) == 0


def test_a_commit_leaves_half_of_a_partition_to_others(kindling: Kindling) -> None:
    job_id = preview(kindling, 3 * PAGE_ROWS)["job_id"]
    began = clock.monotonic()
    assert commit(kindling, job_id)["status"] == "committed"
    # 250 addresses a second are 500 of the 1,000 write units of a partition; behind the last page nobody waits.
    assert clock.monotonic() - began == pytest.approx(2 * PAGE_ROWS / 250, abs=0.001)


def test_a_finished_import_is_not_due_any_more(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(kindling, preview(kindling, 1)["job_id"])
    assert list(due.every(DUE_KIND)) == []
    monkeypatch.setattr(importing, "ANSWER_SECONDS", 0)
    commit(kindling, preview(kindling, 1)["job_id"], 202)
    assert len(list(due.every(DUE_KIND))) == 1


def test_an_unfinished_import_is_due_at_the_next_tick(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ANSWER_SECONDS", 0)
    monkeypatch.setattr(importing, "TURN_SECONDS", 1.2)
    commit(kindling, preview(kindling, 2 * PAGE_ROWS)["job_id"], 202)
    assert (tick(kindling), len(suppressed())) == (0, PAGE_ROWS)
    assert invoke("ReconcileOperationsFunction", {})["imported"] == 1


def test_asking_again_goes_on_at_once(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "ANSWER_SECONDS", 1.2)
    made = preview(kindling, 3 * PAGE_ROWS)
    assert commit(kindling, made["job_id"], 202)["written_rows"] == PAGE_ROWS
    assert commit(kindling, made["job_id"], 202)["written_rows"] == 2 * PAGE_ROWS
    assert commit(kindling, made["job_id"])["written_rows"] == 3 * PAGE_ROWS


@pytest.mark.parametrize("after", [False, True], ids=["before it was written", "after it was written"])
def test_a_commit_that_dies_at_a_page_loses_no_address_and_repeats_none(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    made = preview(kindling, 3 * PAGE_ROWS)
    real, calls = table.transact, 0

    def dying(actions: Any, **request: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 and not after:
            raise StoreUnavailable("gone")
        real(actions, **request)
        if calls == 2:
            raise StoreUnavailable("gone")

    monkeypatch.setattr(table, "transact", dying)
    is_refused(kindling.api.post(f"{JOBS}/{made['job_id']}/commit"), 503, "store_unavailable")
    assert len(suppressed()) == (2 if after else 1) * PAGE_ROWS
    # Meanwhile one is allowed again.
    assert kindling.api("DELETE", f"{LIST}/p0@example.com").status == 200
    assert tick(kindling) == 1
    assert suppressed().keys() == {f"p{number}@example.com" for number in range(1, 3 * PAGE_ROWS)}


def test_two_commits_at_once_write_each_page_once(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    made = preview(kindling, 3 * PAGE_ROWS)
    real, pages = table.transact, []

    def interrupted(actions: Any, **request: Any) -> None:
        pages.append(len(actions))
        if len(pages) == 1:
            # Another request comes in between and writes the same page, of which one address is then allowed again.
            monkeypatch.setattr(importing, "ANSWER_SECONDS", 1.2)
            assert commit(kindling, made["job_id"], 202)["written_rows"] == PAGE_ROWS
            assert kindling.api("DELETE", f"{LIST}/p0@example.com").status == 200
        real(actions, **request)

    monkeypatch.setattr(table, "transact", interrupted)
    assert commit(kindling, made["job_id"])["written_rows"] == 3 * PAGE_ROWS
    # The page of the first was refused, and it went on behind the other's.
    assert pages == [PAGE_ROWS + 1] * 4
    assert suppressed().keys() == {f"p{number}@example.com" for number in range(1, 3 * PAGE_ROWS)}


def test_trouble_with_one_tenants_import_does_not_keep_the_others(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ANSWER_SECONDS", 0.5)
    jobs = []
    for api in (kindling.api, kindling.other):
        jobs.append(api.post(PREVIEW, {"rows": [{"email": "pat@example.com"}]}).body["job_id"])
        assert api.post(f"{JOBS}/{jobs[-1]}/commit").status == 202
    real = table.get
    lost = {"pk": f"TENANT#{kindling.user_id}#IMPORT#{jobs[0]}", "sk": "PAGE#000000"}
    monkeypatch.setattr(table, "get", lambda key: None if key == lost else real(key))
    assert tick(kindling) == 1
    assert kindling.other.get(f"{JOBS}/{jobs[1]}").body["status"] == "committed"
    # No page that is not found passes for one that was written.
    assert kindling.api.get(f"{JOBS}/{jobs[0]}").body["status"] == "committing"
    monkeypatch.setattr(table, "get", real)
    assert tick(kindling) == 1


def test_an_import_waits_a_day_for_its_commit(kindling: Kindling) -> None:
    first, second = (preview(kindling, 1)["job_id"] for _ in range(2))
    kindling.clock.advance(days=1, milliseconds=-1)
    assert commit(kindling, first)["status"] == "committed"
    kindling.clock.advance(milliseconds=1)
    for reply in (kindling.api.get(f"{JOBS}/{second}"), kindling.api.post(f"{JOBS}/{second}/commit")):
        is_refused(reply, 404, "not_found")
    # A committed one is told of for another week.
    assert kindling.api.get(f"{JOBS}/{first}").status == 200
    kindling.clock.advance(days=7, milliseconds=-1)
    assert kindling.api.get(f"{JOBS}/{first}").status == 200
    kindling.clock.advance(milliseconds=1)
    is_refused(kindling.api.get(f"{JOBS}/{first}"), 404, "not_found")


def test_what_is_no_import_and_who_may_not_are_refused(kindling: Kindling) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {},
        {"csv": TEXT, "rows": []},
        {"rows": []},
        {"csv": ""},
        {"csv": 7},
        {"rows": {"email": "pat@example.com"}},
        {"rows": [{"email": "pat@example.com"}, "lee@example.com"]},
        {"csv": TEXT, "reason": "dislike"},
        {"csv": TEXT, "scope_type": "domain"},
        {"rows": [{}] * 10_001},
    )
    for body in bodies:
        is_refused(kindling.api.post(PREVIEW, body), 400, "invalid_request")
    is_refused(kindling.api.post(PREVIEW, {"csv": "," * 4_000_000}), 413, "payload_too_large")
    body = {"csv": TEXT}
    is_refused(kindling.reader.post(PREVIEW, body), 403, "forbidden", required_scope="send")
    is_refused(kindling.test_api.post(PREVIEW, body), 403, "live_key_required")
    job_id = preview(kindling, csv=TEXT)["job_id"]
    is_refused(kindling.reader.post(f"{JOBS}/{job_id}/commit"), 403, "forbidden", required_scope="send")
    is_refused(kindling.test_api.post(f"{JOBS}/{job_id}/commit"), 403, "live_key_required")
    is_refused(Api(issue(kindling.user_id, ["send"])).get(f"{JOBS}/{job_id}"), 403, "forbidden", required_scope="read")
    # Another tenant's import is as absent as one that never was.
    for id_ in (job_id, ABSENT):
        foreign = [kindling.other.get(f"{JOBS}/{id_}"), kindling.other.post(f"{JOBS}/{id_}/commit")]
        for reply in foreign:
            is_refused(reply, 404, "not_found")
    assert suppressed() == {}


def test_a_repeated_preview_with_its_key_is_the_same_import(kindling: Kindling) -> None:
    first, again = (kindling.api.post(PREVIEW, {"csv": TEXT}, Idempotency_Key="k") for _ in range(2))
    assert first.body == again.body
    assert first.status == 201
