"""Every sample event in `events/`, passed to its function, in one story of a tenant, a domain and an account."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from kindling.events import store as webhooks
from kindling.events.model import Webhook
from kindling.keys import service as keys
from kindling.keys.model import Scope
from kindling.operations import store as operations
from kindling.platform.settings import settings
from local import openapi
from tests.conftest import Kindling, issue
from tests.harness.bus import listening
from tests.harness.lambdas import invoke
from tests.harness.rows import running
from tests.harness.template import FUNCTIONS, MACHINES, ROOT, routes, states

EVENTS = ROOT / "events"
# The console has no kind: it is alone.
CONSOLE = "ConsoleFunction"
FILES = {tuple(one["CodeUri"].split("/")[1:]): name for name, one in FUNCTIONS.items() if name != CONSOLE}
API = [name for kind, name in FILES if kind == "api"]
STEPS = [name for kind, name in FILES if kind == "steps"]
OPEN = ["refuse_route", *(one.name for one in openapi.routes() if not one.scope)]  # without authentication

TAG_IDS = {"tag_id", "warmup_tag_id"}
NOTHING_FAILED: dict[str, list[str]] = {"batchItemFailures": []}
NO_KEY = (401, "unauthorized")
REASON = {"reason": "Instantly answered 400: Bad Request"}

# In the story, what makes something comes first, what ends something last, and all else between.
FIRST = ("create_domain", "create_account", "create_key", "create_suppression")
LAST = (
    "rotate_key",
    "revoke_key",
    "update_domain",
    "delete_suppression",
    "delete_webhook",
    "delete_account",
    "delete_domain",
    "delete_sending_domain",
)
STORY = [*FIRST, *sorted({*API} - {*FIRST, *LAST}), *LAST]
# What the story's tenant is refused; all else succeeds.
REFUSED = {
    "refuse_route": (405, "method_not_allowed"),
    "retry_warmup": (409, "warmup_not_retryable"),
    "create_sending_domain": (409, "domain_exists"),
    "start_warming": (409, "already_warming"),
    "send_email": (403, "account_not_active"),
    "get_email": (404, "not_found"),
    "list_email_events": (404, "not_found"),
    "get_import": (404, "not_found"),
    "commit_import": (404, "not_found"),
}
ONBOARDING = {
    "claim_name": None,
    "register_domain": None,
    "publish_dns": {"status": "published", "zone": "acme.example", "conflicts": []},
    "trigger_verification": None,
}
PROVISIONING = {
    "reserve_address": None,
    "create_inbox": {"inbox_id": "kim@acme.example"},
    "register_warmup_account": None,
    "enable_warmup": None,
    "confirm_warmup": None,
}
SAVES = {"save_domain": None, "save_account": None}
UNDOS = {
    "recall_save": {"saved": False},
    "remove_tags": None,
    "disable_warmup": None,
    "remove_warmup_account": None,
    "delete_inbox": None,
    "release_address": REASON,
    "unpublish_dns": None,
    "deregister_domain": None,
    "release_name": {"reason": "AgentMail answered 422 unprocessable."},
}
REMOVAL = dict.fromkeys(["retire_account", "clean_up", "deprovision_accounts", "retire_domain", "close_operation"])
# Of a batch that is not there.
BATCH = {"provision_row": None}
ANSWERED = {*ONBOARDING, *PROVISIONING, "assign_tags", *SAVES, *UNDOS, *REMOVAL, *BATCH}
POLLED = {
    "verify_domains": {"queued": 0},
    "reconcile_operations": {"undone": 0, "imported": 0},
    "reconcile_inventory": {"findings": 0, "removed": 0, "incomplete": []},
    "graduate_accounts": {"queued": 0},
    "retry_warmups": {"queued": 0},
    "run_cleanups": {"queued": 0},
    "advance_warming": {"queued": 0},
    "read_spam_rates": {"changed": 0, "unchanged": 0, "unknown": 0, "failed": 0},
}


def sample(kind: str, name: str) -> Any:
    return json.loads((EVENTS / kind / f"{name}.json").read_text())


def send(kind: str, name: str) -> Any:
    return invoke(FILES[kind, name], sample(kind, name))


def answers(names: Iterable[str]) -> dict[str, Any]:
    return {name: send("steps", name) for name in names}


def request(name: str, key: str | None = None) -> tuple[int, str | None]:
    """Status and error code of a route's answer, to the placeholder key or to a real one."""
    event = sample("api", name)
    # A request has 29 s from the gateway's own clock, which the samples' instant has long left behind.
    event["requestContext"]["timeEpoch"] = int(datetime.now(UTC).timestamp() * 1000)
    if key and "authorization" in event["headers"]:
        event["headers"]["authorization"] = f"Bearer {key}"
    answer = invoke(FILES["api", name], event)
    shown = answer["headers"]["Content-Type"] == "application/json"
    body = json.loads(answer["body"]) if shown else {}
    assert answer["headers"]["X-Request-ID"] == event["requestContext"]["requestId"]
    if answer["statusCode"] >= 400:
        assert {"error", "message", "request_id"} <= set(body)
    return answer["statusCode"], body.get("error")


def open_operation(step: str, kind: str, subject: str) -> None:
    """The row that a create writes before it starts its saga."""
    event = sample("steps", step)
    saga = event["saga"]
    about = {"kind": kind, "subject_id": saga[subject], "name": event["execution"], "request": saga}
    arn = f"arn:aws:states:us-east-1:123456789012:execution:Machine:{event['execution']}"
    operations.put(running(saga["user_id"], saga["operation_id"], execution_arn=arn, **about), {})


def onboard(kindling: Kindling) -> dict[str, Any]:
    open_operation("claim_name", "onboard_domain", "domain_id")
    answered = answers(ONBOARDING)
    kindling.clock.advance(minutes=10)
    return answered


def provision(kindling: Kindling) -> dict[str, Any]:
    open_operation("reserve_address", "provision_account", "account_id")
    answered: dict[str, Any] = {}
    for name in PROVISIONING:
        answered |= answers([name])
        kindling.enable_warmups()
        kindling.clock.advance(seconds=2)
    return answered


def tell_all(kindling: Kindling) -> None:
    """The whole story: the domain verified by its worker, the account saved."""
    onboard(kindling)
    send("steps", "save_domain")
    kindling.clock.advance(minutes=10)
    assert send("workers", "check_domain") == NOTHING_FAILED
    provision(kindling)
    send("steps", "assign_tags")
    send("steps", "save_account")


def test_every_function_has_a_sample_event_and_every_sample_event_a_function() -> None:
    found = {path.relative_to(EVENTS).with_suffix("").parts for path in EVENTS.rglob("*.json")}
    assert found == {*FILES, ("console",)}


def test_every_step_has_an_expected_answer() -> None:
    assert set(STEPS) == ANSWERED


@pytest.mark.parametrize("name", API)
def test_a_routes_sample_goes_where_its_own_route_goes(name: str) -> None:
    event = sample("api", name)
    http = event["requestContext"]["http"]
    assert routes()[event["routeKey"]] == FILES["api", name]
    assert http["path"] == event["rawPath"]
    if event["routeKey"] != "$default":
        path = event["routeKey"].format(**event.get("pathParameters", {}))
        assert path == f"{http['method']} {event['rawPath']}"


@pytest.mark.parametrize("name", STEPS)
def test_a_steps_sample_has_exactly_what_the_state_machine_sends(name: str) -> None:
    event = sample("steps", name)
    substitution = "${" + FILES["steps", name] + "Arn}"
    payloads: dict[str, set[str]] = {}
    for machine in MACHINES:
        tasks = {state: task for state, task in states(machine).items() if task["Type"] == "Task"}
        payloads |= {
            state: set(task["Arguments"]["Payload"])
            for state, task in tasks.items()
            if task["Arguments"]["FunctionName"] == substitution
        }
    assert event["state"] in payloads
    assert set(map(frozenset, payloads.values())) == {frozenset(event)}


@pytest.mark.usefixtures("cloud", "world")
def test_no_route_but_the_open_ones_takes_the_placeholder_key(monkeypatch: pytest.MonkeyPatch) -> None:
    # All of them come from one address in one minute.
    monkeypatch.setenv("FAILED_AUTHENTICATIONS_PER_MINUTE", str(len(API)))
    settings.cache_clear()
    closed = set(API) - set(OPEN)
    assert {name: request(name) for name in closed} == dict.fromkeys(closed, NO_KEY)


def test_every_route_answers_its_sample_with_a_real_key(kindling: Kindling) -> None:
    tell_all(kindling)
    tenant = sample("steps", "claim_name")["saga"]["user_id"]
    retired = sample("api", "revoke_key")["pathParameters"]["key_id"]
    keys.seed(tenant, f"kd_live_{retired}_{'x' * 43}", ["read"], "old")
    webhook = {"id": sample("api", "delete_webhook")["pathParameters"]["webhook_id"], "user_id": tenant}
    at = dict.fromkeys(("created_at", "updated_at"), "2026-03-01T09:00:00.000Z")
    webhooks.put(Webhook(**webhook, **at, url="https://hooks.example.com/", events=["*"], fingerprint=""))
    key = issue(tenant, [scope.value for scope in Scope])
    answered = {name: request(name, key) for name in STORY}
    assert {name: answer for name, answer in answered.items() if answer[0] >= 300} == REFUSED


def test_every_forward_step_answers_its_sample(kindling: Kindling) -> None:
    assert onboard(kindling) == ONBOARDING
    assert answers(["save_domain"]) == {"save_domain": None}
    assert provision(kindling) == PROVISIONING
    assert set(send("steps", "assign_tags")) == TAG_IDS == set(sample("steps", "save_account")["tags"])
    assert answers(["save_account"]) == {"save_account": None}
    assert answers(BATCH) == BATCH


def test_every_undo_answers_its_sample_and_leaves_nothing(kindling: Kindling) -> None:
    before = kindling.world.inventory()
    onboard(kindling)
    provision(kindling)
    send("steps", "assign_tags")
    assert kindling.world.inventory() != before
    assert answers(UNDOS) == UNDOS
    assert kindling.world.inventory() == before


def test_every_undo_answers_its_sample_when_there_is_nothing_to_undo(kindling: Kindling) -> None:
    open_operation("claim_name", "onboard_domain", "domain_id")
    open_operation("reserve_address", "provision_account", "account_id")
    before = kindling.world.inventory()
    assert answers(UNDOS) == UNDOS
    assert answers(UNDOS) == UNDOS
    assert kindling.world.inventory() == before


def test_every_step_answers_its_sample_a_second_time_as_the_first(kindling: Kindling) -> None:
    tell_all(kindling)
    again = {**ONBOARDING, **PROVISIONING, "save_domain": None, "save_account": None}
    again.pop("reserve_address")  # the address is in use by now
    assert answers(again) == again


def test_every_step_of_a_deletion_answers_its_sample_and_again(kindling: Kindling) -> None:
    tell_all(kindling)
    closing = sample("steps", "close_operation")["saga"]
    open_operation("close_operation", "deletion", "account_id" if "account_id" in closing else "domain_id")
    assert answers(REMOVAL) == REMOVAL
    assert answers(REMOVAL) == REMOVAL
    assert kindling.world.inventory()["agentmail"]["inboxes"] == []


def test_a_webhooks_sample_is_signed_and_counted_once(kindling: Kindling) -> None:
    tell_all(kindling)
    kindling.clock.at = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
    counted = [json.loads(send("webhooks", "receive_agentmail")["body"])["counted"] for _ in range(2)]
    assert counted == [True, False]


def test_the_consoles_sample_is_answered_with_the_page_to_sign_in() -> None:
    event = json.loads((EVENTS / "console.json").read_text())
    event["requestContext"]["timeEpoch"] = int(datetime.now(UTC).timestamp() * 1000)
    answer = invoke(CONSOLE, event)
    assert (answer["statusCode"], "API key" in answer["body"]) == (200, True)


def test_every_poller_answers_its_sample(kindling: Kindling) -> None:
    assert kindling.arns
    assert {name: send("pollers", name) for kind, name in FILES if kind == "pollers"} == POLLED
    assert {sample("pollers", name)["source"] for name in POLLED} == {"aws.scheduler"}


def test_every_worker_drops_what_is_not_there(kindling: Kindling) -> None:
    assert kindling.arns
    workers = [name for kind, name in FILES if kind == "workers"]
    assert {name: send("workers", name) for name in workers} == dict.fromkeys(workers, NOTHING_FAILED)


def test_a_change_of_the_streams_sample_is_an_event_that_no_webhook_waits_for(kindling: Kindling) -> None:
    assert kindling.arns
    assert send("streams", "publish_changes") == {"events": 1, "deliveries": 0}
    with listening(detail_type=["suppression.created"]) as heard:
        assert send("streams", "announce_changes") == {"events": 1}
        assert len(heard.take()) == 1


def test_every_worker_handles_its_sample(kindling: Kindling) -> None:
    tell_all(kindling)
    answers(["retire_account", "retire_domain"])
    assert send("workers", "review_accounts") == NOTHING_FAILED
    assert send("workers", "attempt_cleanup") == NOTHING_FAILED
    inventory = kindling.world.inventory()
    assert (inventory["agentmail"]["inboxes"], inventory["cloudflare"]["records"]) == ([], [])
