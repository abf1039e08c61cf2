"""Scheduled work: the checks of verifying domains, and operations whose execution died."""

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from kindling.domains import saga as onboarding
from kindling.domains import store, verification
from kindling.domains.model import CHECK_DELAYS, GIVE_UP, Domain, OnboardDomain, domain_key
from kindling.operations import service as sagas
from kindling.operations import store as operations
from kindling.operations.model import Operation
from kindling.platform import aws, clock, due
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.harness import machines
from tests.harness.lambdas import Handler, invoke

DOMAINS, ACCOUNTS = "/api/email/domains", "/api/email/accounts"
DIED = "The execution died before it could undo its steps."
ONBOARDING = ("ClaimName", "RegisterDomain", "PublishDns", "TriggerVerification")
PROVISIONING = (
    "ReserveAddress", "CreateInbox", "RegisterWarmupAccount", "EnableWarmup", "ConfirmWarmup", "AssignTags",
)  # fmt: skip


def verifying(kindling: Kindling, name: str = "acme.example") -> str:
    """The id of a domain that was onboarded without a machine, and that the provider goes on checking.

    Its challenge stands in DNS.
    """
    proof = {f"_kindling.{name}": [verification.challenge(kindling.user_id, name)]}
    kindling.world.set(domain_states={name: {"status": "VERIFYING"}}, dns_txt=proof)
    saga = OnboardDomain(**kindling._operation(name), domain_id=str(uuid.uuid4()), domain=name)
    onboarding.claim_name(saga)
    onboarding.register_domain(saga)
    onboarding.trigger_verification(saga)
    onboarding.save_domain(saga, {"status": "published"}, triggered=True)
    assert row(kindling, saga.domain_id).status == "verifying"
    return saga.domain_id


def row(kindling: Kindling, domain_id: str) -> Domain:
    found = store.get(kindling.user_id, domain_id)
    assert found is not None
    return found


def triggered_at(kindling: Kindling, domain_id: str) -> datetime:
    at = row(kindling, domain_id).verification_triggered_at
    assert at is not None
    return clock.parse(at)


def tick() -> int:
    queued: int = invoke("VerifyDomainsFunction", {})["queued"]
    return queued


def records() -> list[dict[str, str]]:
    """Receive the queued records and delete them from the queue."""
    url = settings().verifications_queue_url
    found = aws.sqs().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        aws.sqs().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [{"messageId": message["MessageId"], "body": message["Body"]} for message in found]


def work(batch: list[dict[str, str]] | None = None) -> list[str]:
    """Run the worker on a batch; the bodies of the records that failed."""
    batch = batch if batch is not None else records()
    answer = invoke("CheckDomainFunction", {"Records": batch})
    bodies = {record["messageId"]: record["body"] for record in batch}
    return [bodies[failure["itemIdentifier"]] for failure in answer["batchItemFailures"]]


def key(kindling: Kindling, domain_id: str) -> dict[str, str]:
    return domain_key(kindling.user_id, domain_id)


def meanwhile(event: str, act: Callable[[], object]) -> None:
    """Run `act` once, right before the next AWS call of that name."""
    events = aws.table().meta.client.meta.events

    def once(**_: Any) -> None:
        events.unregister(event, once)
        act()

    events.register(event, once)


def test_a_verifying_domain_is_queued_at_each_rung_of_the_ladder_and_given_up_in_the_end(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    start = triggered_at(kindling, domain_id)
    for delay in (*CHECK_DELAYS, GIVE_UP):
        assert row(kindling, domain_id).status == "verifying"
        kindling.clock.at = start + delay
        kindling.clock.advance(seconds=-1)
        assert tick() == 0, f"a second before {delay}"
        kindling.clock.advance(seconds=1)
        assert tick() == 1, delay
        assert work() == []
    given_up = row(kindling, domain_id)
    assert (given_up.status, given_up.status_reason) == ("failed", "not verified within 12 hours")
    kindling.clock.advance(days=2)
    assert tick() == 0


def test_the_reason_that_the_provider_gives_is_kept_when_a_domain_is_given_up(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.world.set(domain_states={"acme.example": {"status": "FAILED", "reason": "ses_dkim_failed"}})
    kindling.clock.advance(minutes=11)
    assert (tick(), work()) == (1, [])
    failed = row(kindling, domain_id)
    assert (failed.status, failed.status_reason, failed.due_at) == ("failed", "ses_dkim_failed", None)


def test_a_domain_that_the_provider_verified_is_found_by_the_worker_and_rests_for_a_day(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.world.set(domain_states={"acme.example": {"status": "VERIFIED"}})
    kindling.clock.advance(minutes=11)
    assert (tick(), work()) == (1, [])
    verified = row(kindling, domain_id)
    tomorrow = clock.timestamp(clock.now() + timedelta(days=1))
    assert (verified.status, verified.verified_at, verified.due_at) == ("verified", clock.timestamp(), tomorrow)
    kindling.clock.advance(days=1, milliseconds=-1)
    assert tick() == 0
    kindling.clock.advance(milliseconds=1)
    assert tick() == 1
    other = kindling.other.post(DOMAINS, {"domain": "acme.example"})
    assert (other.status, other.body["error"]) == (409, "domain_taken")


def test_of_two_tenants_found_verified_in_one_batch_who_proves_nothing_waits(kindling: Kindling) -> None:
    name = "external-acme.example"
    first = verifying(kindling, name)
    second = str(kindling.other.post(DOMAINS, {"domain": name}).body["domain"]["id"])
    kindling.other.post(f"{DOMAINS}/{second}/verify")
    kindling.world.set(domain_states={name: {"status": "VERIFIED"}})
    kindling.clock.advance(minutes=11)
    assert tick() == 2
    assert work() == []
    statuses = [
        kindling.api.get(f"{DOMAINS}/{first}").body["domain"]["status"],
        kindling.other.get(f"{DOMAINS}/{second}").body["domain"]["status"],
    ]
    assert statuses == ["verified", "pending"]


def test_two_ticks_at_once_queue_a_domain_once(kindling: Kindling) -> None:
    verifying(kindling)
    kindling.clock.advance(minutes=11)
    queued = []
    # The second run claims between the first one's read and its claim.
    meanwhile("before-call.dynamodb.UpdateItem", lambda: queued.append(tick()))
    queued.append(tick())
    assert (sorted(queued), len(records())) == ([0, 1], 1)


def test_what_was_queued_and_never_looked_at_falls_due_again(kindling: Kindling) -> None:
    verifying(kindling)
    kindling.clock.advance(minutes=11)
    assert tick() == 1
    records()
    kindling.clock.advance(seconds=due.LEASE.total_seconds() - 1)
    assert tick() == 0
    kindling.clock.advance(seconds=1)
    assert tick() == 1


def test_a_message_that_comes_twice_does_no_harm(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.clock.advance(minutes=11)
    tick()
    batch = records()
    assert work(batch) == []
    once = row(kindling, domain_id)
    assert work(batch) == []
    assert row(kindling, domain_id) == once


def test_a_provider_failure_puts_the_check_of_its_domain_off_and_no_other(kindling: Kindling) -> None:
    first, second = verifying(kindling, "one.example"), verifying(kindling, "two.example")
    kindling.world.set(domain_states={"one.example": {"status": "VERIFIED"}, "two.example": {"status": "VERIFIED"}})
    kindling.world.fault("agentmail", "GET", "/v0/domains/two.example", "refuse", status=503)
    kindling.clock.advance(minutes=11)
    assert tick() == 2
    assert work() == []
    assert (row(kindling, first).status, row(kindling, second).status) == ("verified", "verifying")
    assert row(kindling, second).due_at == clock.timestamp(clock.now() + timedelta(minutes=5))
    kindling.world.heal()
    kindling.clock.advance(minutes=5)
    assert (tick(), work()) == (1, [])
    assert row(kindling, second).status == "verified"


def test_a_check_that_is_not_scheduled_comes_back_through_the_queue(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    assert kindling.api.patch(f"{DOMAINS}/{domain_id}", {"status": "pending"}).status == 200
    aws.table().update_item(Key=key(kindling, domain_id), UpdateExpression="REMOVE due_at, due_shard")
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=503)
    body = json.dumps(key(kindling, domain_id))
    assert work([{"messageId": "1", "body": body}]) == [body]
    assert row(kindling, domain_id).due_at is None


def test_a_key_that_the_provider_refuses_is_no_pause_but_a_dead_letter_in_the_end(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=401)
    kindling.clock.advance(minutes=11)
    assert (tick(), work()) == (1, [json.dumps(key(kindling, domain_id))])


def test_a_domain_that_the_provider_has_lost_is_looked_at_until_it_is_given_up(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.world.fault("agentmail", "GET", "/v0/domains/*", "refuse", status=404)
    kindling.clock.advance(minutes=11)
    assert (tick(), work()) == (1, [])
    assert row(kindling, domain_id).status == "verifying"
    kindling.clock.advance(hours=12)
    assert (tick(), work()) == (1, [])
    assert row(kindling, domain_id).status == "failed"


def test_a_domain_that_was_deleted_meanwhile_is_dropped(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.clock.advance(minutes=11)
    assert tick() == 1
    aws.table().delete_item(Key=key(kindling, domain_id))
    assert work() == []
    assert store.get(kindling.user_id, domain_id) is None


def test_a_domain_that_is_deleted_while_it_is_looked_at_does_not_come_back(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.clock.advance(minutes=11)
    assert tick() == 1
    meanwhile("before-call.dynamodb.UpdateItem", lambda: aws.table().delete_item(Key=key(kindling, domain_id)))
    assert work() == []
    assert store.get(kindling.user_id, domain_id) is None


def test_a_domain_whose_owner_stopped_its_verification_is_looked_at_and_rests(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.clock.advance(minutes=11)
    assert tick() == 1
    assert kindling.api.patch(f"{DOMAINS}/{domain_id}", {"status": "pending"}).status == 200
    assert work() == []
    assert (row(kindling, domain_id).status, row(kindling, domain_id).due_at) == ("pending", None)


def test_a_domain_that_waits_for_its_challenge_alone_is_looked_at_for_as_long_as_a_verification(
    kindling: Kindling,
) -> None:
    domain_id = verifying(kindling)
    kindling.world.set(domain_states={"acme.example": {"status": "VERIFIED"}}, dns_txt={"_kindling.acme.example": None})
    start = triggered_at(kindling, domain_id)
    for delay in (*CHECK_DELAYS, GIVE_UP):
        kindling.clock.at = start + delay - timedelta(seconds=1)
        assert tick() == 0, f"a second before {delay}"
        kindling.clock.advance(seconds=1)
        assert (tick(), work()) == (1, [])
        assert row(kindling, domain_id).status == "pending"
    assert row(kindling, domain_id).due_at is None


def test_a_status_that_changes_while_the_worker_looks_wins(kindling: Kindling) -> None:
    domain_id = verifying(kindling)
    kindling.clock.advance(minutes=11)
    assert tick() == 1

    def settle() -> None:
        aws.table().update_item(
            Key=key(kindling, domain_id),
            UpdateExpression="SET #status = :failed REMOVE due_at, due_shard",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":failed": "failed"},
        )

    meanwhile("before-call.dynamodb.UpdateItem", settle)
    assert work() == []
    assert (row(kindling, domain_id).status, row(kindling, domain_id).due_at) == ("failed", None)


def test_a_tick_costs_what_is_due_and_not_what_exists(kindling: Kindling, request: pytest.FixtureRequest) -> None:
    for number in range(3):
        verifying(kindling, f"domain-{number}.example")
    asked: list[str] = []

    def note(model: Any, **_: Any) -> None:
        asked.append(model.name)

    events = aws.table().meta.client.meta.events
    events.register("before-call.dynamodb", note)
    request.addfinalizer(lambda: events.unregister("before-call.dynamodb", note))
    assert (tick(), asked) == (0, ["Query"] * 4)
    kindling.clock.advance(minutes=11)
    asked.clear()
    assert (tick(), sorted(asked)) == (3, ["Query"] * 4 + ["UpdateItem"] * 3)


def dies_in(kindling: Kindling, step: str) -> None:
    """Abort the execution after the step's work, so that no Catch runs."""

    def run(real: Handler, event: Any) -> Any:
        answer = real(event, None)
        aws.stepfunctions().stop_execution(executionArn=operation_of(event["saga"]).execution_arn)
        return answer

    kindling.lambdas.overrides[f"{step}Function"] = run


def operation_of(saga: dict[str, str]) -> Operation:
    found = operations.get(saga["user_id"], saga["operation_id"])
    assert found is not None
    return found


def begun(kindling: Kindling, path: str, body: dict[str, str]) -> Operation:
    """The operation of a create with `Prefer: respond-async`."""
    reply = kindling.api.post(path, body, Prefer="respond-async")
    assert reply.status == 202, reply.body
    return again(kindling, reply.body["operation"]["id"])


def again(kindling: Kindling, operation_id: str) -> Operation:
    return operation_of({"user_id": kindling.user_id, "operation_id": operation_id})


def reconcile(kindling: Kindling, *, after_minutes: float = 10) -> int:
    kindling.clock.advance(minutes=after_minutes)
    undone: int = invoke("ReconcileOperationsFunction", {})["undone"]
    return undone


def test_an_aborted_onboarding_is_undone_wherever_it_died(kindling: Kindling) -> None:
    before = kindling.world.inventory()
    for step in ONBOARDING:
        dies_in(kindling, step)
        operation = begun(kindling, DOMAINS, {"domain": "acme.example"})
        kindling.lambdas.overrides.clear()
        assert machines.read(operation.execution_arn).status == "ABORTED"
        assert reconcile(kindling, after_minutes=9) == 0
        assert reconcile(kindling, after_minutes=1) == 1, step
        undone = again(kindling, operation.operation_id)
        assert (undone.state, undone.failure and undone.failure.message) == ("failed", DIED)
        assert machines.read(undone.execution_arn).path[1:3] == ["IsUndoWanted", "UndoSaveDomain"]
        assert kindling.world.inventory() == before, step
    assert kindling.api.get(DOMAINS).body == {"domains": []}
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 201


def test_an_aborted_provisioning_is_undone_wherever_it_died(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    before = kindling.world.inventory()
    for step in PROVISIONING:
        dies_in(kindling, step)
        operation = begun(kindling, ACCOUNTS, {"username": step.lower(), "domain_id": domain["id"]})
        kindling.lambdas.overrides.clear()
        assert reconcile(kindling) == 1, step
        assert again(kindling, operation.operation_id).state == "failed"
        assert kindling.world.inventory() == before, step
    assert kindling.api.get(ACCOUNTS).body == {"accounts": []}


def test_what_an_execution_did_that_the_engine_lost_is_undone(kindling: Kindling) -> None:
    before = kindling.world.inventory()
    dies_in(kindling, "PublishDns")
    operation = begun(kindling, DOMAINS, {"domain": "acme.example"})
    aws.table().update_item(
        Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"OPERATION#{operation.operation_id}"},
        UpdateExpression="SET execution_arn = :lost",
        ExpressionAttributeValues={":lost": operation.execution_arn[:-1]},
    )
    assert reconcile(kindling) == 1
    assert again(kindling, operation.operation_id).state == "failed"
    assert kindling.world.inventory() == before


def test_an_execution_that_died_after_its_save_is_a_success(kindling: Kindling) -> None:
    dies_in(kindling, "SaveDomain")
    operation = begun(kindling, DOMAINS, {"domain": "acme.example"})
    assert reconcile(kindling) == 0
    assert again(kindling, operation.operation_id).state == "succeeded"
    assert kindling.api.get(f"{DOMAINS}/{operation.subject_id}").status == 200


def test_what_a_restore_from_backup_has_lost_is_not_undone_at_the_provider(kindling: Kindling) -> None:
    account = kindling.api.post(ACCOUNTS, {"username": "kim", "domain_id": kindling.verified_domain()["id"]}).body[
        "account"
    ]
    before = kindling.world.inventory()
    # In the backup from before the save, the operation is running and there is no row.
    items = aws.table().scan()["Items"]
    (operation,) = (item for item in items if item.get("subject_id") == account["id"])
    due_now = {"state": "running", "due_shard": "operation#0", "due_at": clock.timestamp()}
    aws.table().put_item(Item=operation | due_now)
    aws.table().delete_item(Key={"pk": f"TENANT#{kindling.user_id}", "sk": f"ACCOUNT#{account['id']}"})
    assert [reconcile(kindling), reconcile(kindling)] == [0, 0]
    assert kindling.world.inventory() == before


def test_what_is_finished_or_still_running_is_left_alone(kindling: Kindling) -> None:
    undone = []

    def slow(real: Handler, event: Any) -> Any:
        undone.append(reconcile(kindling, after_minutes=11))
        return real(event, None)

    kindling.lambdas.overrides["PublishDnsFunction"] = slow
    assert kindling.api.post(DOMAINS, {"domain": "acme.example"}).status == 201
    assert [*undone, reconcile(kindling, after_minutes=60)] == [0, 0]


def test_an_undo_that_died_is_tried_again_under_another_name(kindling: Kindling) -> None:
    before = kindling.world.inventory()
    dies_in(kindling, "TriggerVerification")
    operation = begun(kindling, DOMAINS, {"domain": "acme.example"})
    dies_in(kindling, "UnpublishDns")
    names = set()
    for attempt in (1, 2):
        assert reconcile(kindling) == 1
        undoing = again(kindling, operation.operation_id)
        assert (undoing.state, undoing.undo_attempts) == ("undoing", attempt)
        names.add(undoing.execution_arn)
    kindling.lambdas.overrides.clear()
    assert reconcile(kindling) == 1
    undone = again(kindling, operation.operation_id)
    assert undone.state == "failed"
    assert len({*names, operation.execution_arn, undone.execution_arn}) == 4
    assert kindling.world.inventory() == before
    assert reconcile(kindling, after_minutes=60) == 0


def test_an_operation_that_ends_while_it_is_looked_at_stops_nobody(kindling: Kindling) -> None:
    dies_in(kindling, "ClaimName")
    found = [begun(kindling, DOMAINS, {"domain": f"{name}.example"}) for name in ("one", "two")]
    events = aws.stepfunctions().meta.events

    def end(params: dict[str, Any], **_: Any) -> None:
        events.unregister("before-call.sfn.DescribeExecution", end)
        arn = json.loads(params["body"])["executionArn"]
        looked_at = next(operation for operation in found if operation.execution_arn == arn)
        caught = {"Error": "ProviderRefused", "Cause": "no"}
        about = {"kind": looked_at.kind, "name": looked_at.name, "subject_id": looked_at.subject_id}
        sagas.fail(kindling.user_id, looked_at.operation_id, caught, **about)

    events.register("before-call.sfn.DescribeExecution", end)
    assert reconcile(kindling) == 1
    assert {again(kindling, operation.operation_id).state for operation in found} == {"failed"}
