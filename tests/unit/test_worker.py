"""Workers: a message takes no time from the others, and what is not begun is due again without a failure."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kindling.cleanups import service as cleanups
from kindling.cleanups import store
from kindling.cleanups.model import BACK_OFF, Cleanup, CleanupKind
from kindling.cleanups.parts import scheduled
from kindling.entry.worker import work
from kindling.errors import ProviderRefused, ProviderUnavailable
from kindling.platform import aws, clock, due, table
from kindling.providers import credentials
from tests.conftest import Clock
from tests.harness.lambdas import Context

KIND = "cleanup"

pytestmark = pytest.mark.usefixtures("cloud")


def handle(task: Callable[[dict[str, str]], object], names: str, *, seconds: float = 101) -> list[str]:
    """Run a worker on a message per letter, with so many seconds; the letters of those that SQS brings again."""
    records = [
        {"messageId": name, "body": json.dumps({"pk": "TENANT#u", "sk": name}), "eventSource": "aws:sqs"}
        for name in names
    ]
    answer: Any = work({"Records": records}, Context("worker", milliseconds=int(seconds * 1000)), task)  # type: ignore[arg-type]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def put(names: str) -> None:
    for name in names:
        aws.table().put_item(Item={"pk": "TENANT#u", "sk": name, **due.fields(KIND, name, clock.now())})
    assert len(list(due.claim(KIND, due.LEASE))) == len(names)


def due_now() -> str:
    return "".join(sorted(key["sk"] for key in due.claim(KIND, due.LEASE)))


def test_each_message_has_an_even_share_of_the_time_that_is_left(steady_clock: Clock) -> None:
    shares: list[float] = []

    def task(key: dict[str, str]) -> None:
        share = clock.left(1000)
        shares.append(share)
        # The second hangs until its share is over, the others take no time.
        steady_clock.advance(seconds=share if key["sk"] == "b" else 0)

    assert handle(task, "abcd") == []
    assert shares == pytest.approx([25, 100 / 3, 100 / 3, 200 / 3])


def test_a_batch_of_nothing_but_hung_messages_ends_in_time_and_all_were_begun(steady_clock: Clock) -> None:
    begun = []
    began = clock.monotonic()

    def task(key: dict[str, str]) -> None:
        begun.append(key["sk"])
        steady_clock.advance(seconds=clock.left(1000))
        raise ProviderUnavailable("silent")

    assert handle(task, "abcde") == list("abcde")
    assert begun == list("abcde")
    assert clock.monotonic() - began == pytest.approx(100)


@pytest.mark.parametrize(("taken", "begun", "again"), [(100, "abc", ""), (100.002, "ac", "b")])
def test_what_has_less_than_half_a_share_left_is_not_begun_but_due_again_at_once(
    steady_clock: Clock, taken: float, begun: str, again: str
) -> None:
    put("abc")
    seen = []

    def task(key: dict[str, str]) -> None:
        seen.append(key["sk"])
        # The first does not keep to its share. Half of an even one is 25 of 150 seconds.
        steady_clock.advance(seconds=taken if key["sk"] == "a" else 0)

    # Not a failure: a failure counts towards the dead letters.
    assert handle(task, "abc", seconds=151) == []
    assert ("".join(seen), due_now()) == (begun, again)


def test_what_is_not_begun_and_not_scheduled_comes_back_through_the_queue(steady_clock: Clock) -> None:
    assert handle(lambda _key: steady_clock.advance(seconds=90), "ab") == ["b"]


def test_a_failure_is_its_own_message_s_alone() -> None:
    def task(key: dict[str, str]) -> None:
        if key["sk"] == "b":
            raise ValueError

    assert handle(task, "abc") == ["b"]


class Providers:
    """Removals of which some hang: they take 20 seconds and fail."""

    def __init__(self, steady_clock: Clock, *hung: CleanupKind, seconds: float = 20.0) -> None:
        self._clock, self.hung, self._seconds = steady_clock, set(hung), seconds
        self.tried: list[str] = []

    @property
    def removals(self) -> cleanups.Removals:
        return dict.fromkeys(CleanupKind, self._remove)

    def _remove(self, cleanup: Cleanup) -> None:
        self.tried.append(cleanup.target)
        if cleanup.kind in self.hung:
            self._clock.advance(seconds=self._seconds)
            raise ProviderUnavailable("silent")


def cleanup(kind: CleanupKind, name: str, user_id: str = "u") -> dict[str, str]:
    """Write a cleanup that is due; its key."""
    action = scheduled(user_id, kind, name, name)
    table.transact([action])
    return {name: str(action["Put"]["Item"][name]) for name in ("pk", "sk")}


def test_cleanups_of_a_hung_provider_rest_uncounted_and_keep_no_other_waiting(steady_clock: Clock) -> None:
    providers = Providers(steady_clock, CleanupKind.INBOX)
    first, second = cleanup(CleanupKind.INBOX, "first"), cleanup(CleanupKind.INBOX, "second")
    other = cleanup(CleanupKind.DNS_RECORDS, "other")
    for key in (first, second, other):
        cleanups.attempt(providers.removals, key)
    assert providers.tried == ["first", "other"]
    assert store.read(other) is None
    found = [store.read(key) for key in (first, second)]
    assert [row and (row.attempts, row.last_error) for row in found] == [(1, "silent"), (0, None)]
    in_five_minutes = clock.timestamp(clock.now() + BACK_OFF)
    assert [row and row.due_at for row in found] == [in_five_minutes] * 2


def test_the_workspaces_of_a_tenant_rest_by_themselves(steady_clock: Clock) -> None:
    credentials.add("own", credentials.AGENTMAIL, "arn")
    providers = Providers(steady_clock, CleanupKind.INBOX)
    for name, user_id in (("a", "own"), ("b", "u"), ("c", "own"), ("d", "v")):
        cleanups.attempt(providers.removals, cleanup(CleanupKind.INBOX, name, user_id))
    assert providers.tried == ["a", "b"]


def test_a_provider_that_hung_is_tried_again_after_a_minute(steady_clock: Clock) -> None:
    providers = Providers(steady_clock, CleanupKind.INBOX)
    key = cleanup(CleanupKind.INBOX, "a")
    cleanups.attempt(providers.removals, key)
    steady_clock.advance(seconds=59.999)
    cleanups.attempt(providers.removals, key)
    assert len(providers.tried) == 1
    steady_clock.advance(seconds=0.001)
    providers.hung.clear()
    cleanups.attempt(providers.removals, key)
    assert (len(providers.tried), store.read(key)) == (2, None)


@pytest.mark.parametrize(("seconds", "tried"), [(7.999, 2), (8.0, 1)])
def test_a_failure_that_comes_quickly_rests_nothing(steady_clock: Clock, seconds: float, tried: int) -> None:
    providers = Providers(steady_clock, CleanupKind.INBOX, seconds=seconds)
    for name in ("a", "b"):
        cleanups.attempt(providers.removals, cleanup(CleanupKind.INBOX, name))
    assert len(providers.tried) == tried


def test_a_refusal_counts_however_long_it_took(steady_clock: Clock) -> None:
    def refuse(_cleanup: Cleanup) -> None:
        steady_clock.advance(seconds=3)
        raise ProviderRefused("no")

    key = cleanup(CleanupKind.MAIL_DOMAIN, "a")
    cleanups.attempt(dict.fromkeys(CleanupKind, refuse), key)
    row = store.read(key)
    assert row
    assert (row.attempts, row.last_error) == (1, "no")
