"""The clients against the handlers: pages, operations, errors."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from kindling_client import AsyncKindling, Conflict, NotFound, OperationFailed, StillRunning, Unauthorized, models
from kindling_client import Kindling as Client
from tests.client.conftest import URL, answer
from tests.conftest import Clock, Kindling
from tests.harness.lambdas import Api


def suppress(kindling: Kindling, count: int) -> set[str]:
    addresses = {f"p{number}@example.com" for number in range(count)}
    for address in addresses:
        kindling.api.post("/v1/suppressions", {"email": address})
    return addresses


def test_pages_have_every_row_once(kindling: Kindling, client: Client) -> None:
    addresses = suppress(kindling, 5)
    pages = list(client.pages(client.list_suppressions, limit=2))
    assert [len(page.suppressions) for page in pages] == [2, 2, 1]
    assert {row.email for page in pages for row in page.suppressions} == addresses


def test_the_asynchronous_client_does_the_same(kindling: Kindling, loop: asyncio.Runner) -> None:
    addresses = suppress(kindling, 3)

    async def story() -> tuple[set[str], list[str | None], str]:
        async with AsyncKindling(
            api_url=URL, api_key=kindling.api.key, transport=httpx.MockTransport(answer)
        ) as client:
            pages = client.pages(client.list_suppressions, limit=2)
            found = {row.email async for page in pages for row in page.suppressions}
            accepted = await client.create_domain(domain="acme.example", respond_async=True)
            assert isinstance(accepted, models.Accepted)
            steps = [operation.state async for operation in client.wait(accepted)]
            domain = (await client.get_domain(accepted.operation.subject_id)).domain
            with pytest.raises(Conflict):
                await client.create_domain(domain="acme.example")
            return found, list(steps), domain.domain

    assert loop.run(story()) == (addresses, ["succeeded"], "acme.example")


def test_a_creation_answers_the_row_or_the_operation(client: Client) -> None:
    created = client.create_domain(domain="acme.example")
    assert isinstance(created, models.DomainCreated)
    assert created.domain.status == "verifying"
    accepted = client.create_domain(domain="news.example", respond_async=True)
    assert isinstance(accepted, models.Accepted)
    (operation,) = client.wait(accepted)
    assert (operation.kind, operation.name, operation.state) == ("onboard_domain", "news.example", "succeeded")


def test_an_operation_that_fails_says_why(kindling: Kindling, client: Client) -> None:
    kindling.world.fault("agentmail", "POST", "/v0/domains", "refuse", status=422)
    accepted = client.create_domain(domain="acme.example", respond_async=True)
    assert isinstance(accepted, models.Accepted)
    with pytest.raises(OperationFailed) as failed:
        list(client.wait(accepted.operation.id))
    assert (failed.value.code, failed.value.extras["step"]) == ("provider_refused", "RegisterDomain")
    assert failed.value.extras["operation_id"] == accepted.operation.id


class Slow:
    """An operation that goes through its steps, one each time that it is asked for."""

    def __init__(self, steps: list[str | None]) -> None:
        self.steps, self.asked = steps, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        step = self.steps[min(self.asked, len(self.steps) - 1)]
        self.asked += 1
        said = {"id": "o", "kind": "provision_account", "name": "kim", "subject_id": "s", "execution_arn": "a"}
        state = {"state": "running" if step else "succeeded", "current_step": step, "error": None}
        return httpx.Response(200, json={"operation": {**said, **state, "created_at": "c", "updated_at": "u"}})


def test_each_step_is_told_once(client_clock: Clock) -> None:
    slow = Slow(["CreateInbox", "CreateInbox", "AssignTags", None])
    with Client(api_url=URL, api_key="k", transport=httpx.MockTransport(slow)) as client:
        steps = [operation.current_step for operation in client.wait("o")]
    assert steps == ["CreateInbox", "AssignTags", None]
    assert client_clock.monotonic() == 0.5 + 0.75 + 1.125


def test_waiting_ends_in_time(client_clock: Clock) -> None:
    slow = Slow(["CreateInbox"])
    with Client(api_url=URL, api_key="k", transport=httpx.MockTransport(slow)) as client:
        with pytest.raises(StillRunning) as running:
            list(client.wait("o", seconds=60))
        assert running.value.extras["operation_id"] == "o"
    # Pauses grow to five seconds, and the last look is at the end.
    assert client_clock.monotonic() == pytest.approx(60)
    assert slow.asked == 17


def test_errors_tell_what_the_api_told(kindling: Kindling, client: Client) -> None:
    with pytest.raises(NotFound) as absent:
        client.get_domain("7d4f1b7c-0000-4000-8000-000000000000")
    assert (absent.value.status, absent.value.code) == (404, "not_found")
    assert absent.value.request_id == "request-1"
    with (
        Client(api_url=URL, api_key="kd_live_no_key", transport=httpx.MockTransport(answer)) as stranger,
        pytest.raises(Unauthorized),
    ):
        stranger.list_domains()


def test_nested_fields_are_models_or_plain(client: Client, kindling: Kindling) -> None:
    own = client.get_warming_schedules().schedule
    tight = own.phases.model_copy(update={"phase_1": own.phases.phase_1.model_copy(update={"min_days": 9})})
    chosen = client.set_warming_schedule(phases=tight).schedule
    assert chosen.phases.phase_1.min_days == 9
    assert chosen.phases == tight


def test_the_page_and_the_document_are_read_too(client: Client) -> None:
    assert "<html" in client.get_docs()
    assert client.get_openapi().info.title == "Kindling"


def test_a_key_is_in_no_text_of_the_client(kindling: Kindling, client: Client) -> None:
    shown: list[Any] = [client, vars(client), Api(kindling.api.key)]
    assert kindling.api.key not in json.dumps([repr(each) for each in shown[:2]])
