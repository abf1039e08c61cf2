"""The provisioning saga: every step failing in every way, the states it entered, and what is left afterwards."""

from dataclasses import dataclass
from typing import Any

import pytest

from kindling.platform import aws
from tests.conftest import Kindling
from tests.harness.lambdas import Handler
from tests.harness.machines import dies_after_work, fails

FORWARD = [
    "ReserveAddress",
    "CreateInbox",
    "RegisterWarmupAccount",
    "EnableWarmup",
    "ConfirmWarmup",
    "AssignTags",
    "SaveAccount",
]
UNDOS = ["UndoAssignTags", "UndoEnableWarmup", "UndoRegisterWarmupAccount", "UndoCreateInbox", "UndoReserveAddress"]
BEGIN = ["Start", "IsUndoWanted"]

INBOXES = ("agentmail", "POST", "/v0/inboxes")
ACCOUNTS = ("instantly", "POST", "/api/v2/accounts")
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")
TOGGLE = ("instantly", "POST", "/api/v2/custom-tags/toggle-resource")


@dataclass
class Attempt:
    kindling: Kindling
    domain: dict[str, Any]
    before: Any

    def create(self, username: str = "kim") -> Any:
        body = {"username": username, "domain_id": self.domain["id"], "first_name": "Kim", "last_name": "Lee"}
        return self.kindling.api.post("/api/email/accounts", body)

    def path(self) -> list[str]:
        return self.kindling.last_execution("ProvisionAccount").path

    def nothing_is_left(self) -> None:
        assert self.kindling.world.inventory() == self.before
        assert self.kindling.api.get("/api/email/accounts").body == {"accounts": []}

    def claim(self, username: str = "kim") -> str | None:
        item = aws.table().get_item(Key={"pk": f"ADDRESS#{username}@acme.example", "sk": "CLAIM"}).get("Item")
        return str(item["status"]) if item else None


@pytest.fixture
def attempt(kindling: Kindling) -> Attempt:
    domain = kindling.verified_domain()
    return Attempt(kindling, domain, kindling.world.inventory())


def undone_from(step: str) -> list[str]:
    return BEGIN + FORWARD[: FORWARD.index(step) + 1] + UNDOS[UNDOS.index(f"Undo{step}") :] + ["ProvisioningFailed"]


def test_all_is_well(attempt: Attempt) -> None:
    reply = attempt.create()
    assert reply.status == 201
    assert attempt.path() == [*BEGIN, *once(attempt.path(), FORWARD), "Provisioned"]
    account = reply.body["account"]
    assert (account["status"], account["warmup_status"]) == ("warming", "warming")
    assert account["display_name"] == "Kim Lee"
    inventory = attempt.kindling.world.inventory()
    assert [inbox["email"] for inbox in inventory["agentmail"]["inboxes"]] == ["kim@acme.example"]
    assert [row["email"] for row in inventory["instantly"]["accounts"]] == ["kim@acme.example"]
    assert attempt.claim() == "in_use"


def once(path: list[str], steps: list[str]) -> list[str]:
    """The names of the steps, so that a failed comparison shows the missing one."""
    assert [state for state in path if state in steps] == steps
    return steps


@pytest.mark.parametrize(
    ("step", "target", "burnt"),
    [("CreateInbox", INBOXES, False), ("RegisterWarmupAccount", ACCOUNTS, True), ("AssignTags", TOGGLE, True)],
)
def test_a_refused_step_is_undone_with_all_before_it(
    attempt: Attempt, step: str, target: tuple[str, str, str], burnt: bool
) -> None:
    attempt.kindling.world.fault(*target, "refuse", status=400)
    reply = attempt.create()
    assert (reply.status, reply.body["error"], reply.body["step"]) == (502, "provider_refused", step)
    assert attempt.path() == undone_from(step)
    attempt.nothing_is_left()
    assert attempt.claim() == ("burnt" if burnt else None)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/v2/accounts/*", 401, "key_refused"),
        ("/api/v2/accounts/*", 402, "provider_misconfigured"),
        ("/api/v2/custom-tags", 403, "key_refused"),
    ],
)
def test_a_key_or_plan_that_is_refused_is_noticed_before_there_is_an_inbox(
    attempt: Attempt, path: str, status: int, error: str
) -> None:
    attempt.kindling.world.fault("instantly", "GET", path, "refuse", status=status)
    reply = attempt.create()
    assert (reply.status, reply.body["error"], reply.body["step"]) == (502, error, "ReserveAddress")
    assert attempt.path() == undone_from("ReserveAddress")
    attempt.nothing_is_left()
    assert attempt.claim() is None


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("step", ["ReserveAddress", "CreateInbox", "RegisterWarmupAccount", "AssignTags"])
def test_a_step_that_dies_after_its_work_every_time_is_undone(attempt: Attempt, step: str) -> None:
    attempt.kindling.lambdas.overrides[f"{step}Function"] = dies_after_work()
    reply = attempt.create()
    assert (reply.status, reply.body["error"]) == (502, "provider_unavailable")
    assert attempt.path() == undone_from(step)
    attempt.nothing_is_left()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("step", "target"),
    [("CreateInbox", INBOXES), ("RegisterWarmupAccount", ACCOUNTS), ("AssignTags", TOGGLE)],
)
@pytest.mark.parametrize("fault", ["timeout_after", "drop_answer"])
def test_a_provider_that_works_and_stays_silent_leaves_nothing_behind(
    attempt: Attempt, step: str, target: tuple[str, str, str], fault: str
) -> None:
    attempt.kindling.world.fault(*target, fault)
    reply = attempt.create()
    if reply.status == 201:
        # The retried step finds its work done.
        assert attempt.path()[-1] == "Provisioned"
        return
    assert attempt.path() == undone_from(step)
    attempt.nothing_is_left()


@pytest.mark.parametrize("step", [step for step in FORWARD if step not in ("EnableWarmup", "ConfirmWarmup")])
def test_a_transient_error_is_retried_without_undoing_anything(attempt: Attempt, step: str) -> None:
    from kindling.errors import ProviderUnavailable

    attempt.kindling.lambdas.overrides[f"{step}Function"] = fails(ProviderUnavailable("passing"), times=2)
    assert attempt.create().status == 201
    assert attempt.path()[-1] == "Provisioned"


@pytest.mark.parametrize("fault", ["refuse", "timeout_after", "drop_answer", "rate_limit"])
def test_one_bad_answer_of_any_provider_is_survived(attempt: Attempt, fault: str) -> None:
    details: dict[str, Any] = {"status": 503} if fault == "refuse" else {"seconds": 1}
    for target in (INBOXES, ACCOUNTS, TOGGLE):
        attempt.kindling.world.fault(*target, fault, calls=[1], **details)
    assert attempt.create().status == 201
    assert len(attempt.kindling.world.inventory()["agentmail"]["inboxes"]) == 1
    assert len(attempt.kindling.world.inventory()["instantly"]["accounts"]) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("status", [400, 402, 409, 500])
def test_a_refused_warmup_saves_the_account_pending(attempt: Attempt, status: int) -> None:
    attempt.kindling.world.fault(*ENABLE, "refuse", status=status)
    reply = attempt.create()
    assert reply.status == 201
    assert (reply.body["account"]["status"], reply.body["account"]["warmup_status"]) == ("pending", "not_started")
    assert reply.body["account"]["warmup_reason"]
    assert attempt.path()[-2:] == ["SaveAccount", "Provisioned"]


def test_a_saga_does_not_wait_for_a_warmup_that_was_refused(attempt: Attempt) -> None:
    looks: list[Any] = []

    def look(real: Handler, event: Any) -> Any:
        looks.append(event)
        return real(event, None)

    attempt.kindling.lambdas.overrides["ConfirmWarmupFunction"] = look
    attempt.kindling.world.fault(*ENABLE, "refuse", status=400)
    assert attempt.create().status == 201
    # Once before the worker was told no, and once after.
    assert len(looks) == 2
    item = aws.table().get_item(Key={"pk": "ADDRESS#kim@acme.example", "sk": "CLAIM"})["Item"]
    assert "warmup_refusal" not in item


def test_an_unconfirmed_warmup_saves_the_account_pending(attempt: Attempt) -> None:
    attempt.kindling.world.set(warmup_job_seconds=3600)
    reply = attempt.create()
    assert reply.status == 201
    assert (reply.body["account"]["status"], reply.body["account"]["warmup_status"]) == ("pending", "not_started")
    assert "ConfirmWarmup" in attempt.path()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("step", ["EnableWarmup", "ConfirmWarmup"])
def test_a_warmup_step_that_dies_does_not_fail_the_account(attempt: Attempt, step: str) -> None:
    attempt.kindling.lambdas.overrides[f"{step}Function"] = dies_after_work()
    reply = attempt.create()
    assert reply.status == 201
    assert attempt.path()[-1] == "Provisioned"


@pytest.mark.usefixtures("impatient")
def test_a_save_whose_answer_is_lost_is_a_success(attempt: Attempt) -> None:
    attempt.kindling.lambdas.overrides["SaveAccountFunction"] = dies_after_work()
    reply = attempt.create()
    assert reply.status == 201
    assert attempt.path()[-3:] == ["UndoSaveAccount", "IsAccountSaved", "Provisioned"]
    assert attempt.claim() == "in_use"


def test_a_save_that_never_happens_is_undone(attempt: Attempt) -> None:
    attempt.kindling.lambdas.overrides["SaveAccountFunction"] = fails(RuntimeError("no"))
    reply = attempt.create()
    assert reply.status == 502
    assert attempt.path() == [*BEGIN, *FORWARD, "UndoSaveAccount", "IsAccountSaved", *UNDOS, "ProvisioningFailed"]
    attempt.nothing_is_left()


def test_an_undo_is_repeated_until_the_provider_is_back(attempt: Attempt) -> None:
    attempt.kindling.world.fault(*TOGGLE, "refuse", status=400)
    attempt.kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/*", "refuse", status=503, calls=list(range(1, 12)))
    assert attempt.create().status == 502
    attempt.nothing_is_left()


def test_the_failed_execution_says_what_happened_in_a_sentence(attempt: Attempt) -> None:
    attempt.kindling.world.fault(*TOGGLE, "refuse", status=400)
    attempt.create()
    execution = attempt.kindling.last_execution("ProvisionAccount")
    assert execution.status == "FAILED"
    assert execution.error == "ProviderRefused"
    assert execution.cause is not None
    assert execution.cause.startswith("kim@acme.example could not be provisioned at AssignTags: Instantly answered 400")
    assert execution.cause.endswith("Everything was undone.")


def test_an_address_that_another_inbox_has_is_taken(attempt: Attempt) -> None:
    assert attempt.create().status == 201
    reply = attempt.create()
    assert (reply.status, reply.body["error"]) == (409, "address_taken")
    assert len(attempt.kindling.world.inventory()["agentmail"]["inboxes"]) == 1


def test_an_inbox_that_somebody_made_by_hand_is_never_deleted(attempt: Attempt) -> None:
    request = {"username": "kim", "domain": "acme.example", "client_id": "by-hand"}
    import httpx

    headers = {"Authorization": "Bearer am_us_test"}
    made = attempt.kindling.world.sandbox.handle(
        httpx.Request("POST", "http://sandbox/v0/inboxes", json=request, headers=headers)
    )
    assert made.is_success
    reply = attempt.create()
    assert (reply.status, reply.body["error"]) == (409, "address_taken")
    assert len(attempt.kindling.world.inventory()["agentmail"]["inboxes"]) == 1
    assert attempt.claim() is None


def test_the_address_of_an_undone_inbox_is_burnt(attempt: Attempt) -> None:
    attempt.kindling.world.fault(*TOGGLE, "refuse", status=400)
    attempt.create()
    attempt.kindling.world.heal()
    reply = attempt.create()
    assert (reply.status, reply.body["error"]) == (409, "address_burnt")


def test_an_address_that_only_the_provider_knows_to_be_burnt_is_told_as_such(attempt: Attempt) -> None:
    attempt.kindling.world.fault(*TOGGLE, "refuse", status=400)
    attempt.create()
    attempt.kindling.world.heal()
    aws.table().delete_item(Key={"pk": "ADDRESS#kim@acme.example", "sk": "CLAIM"})
    reply = attempt.create()
    assert (reply.status, reply.body["error"]) == (409, "address_burnt")
    assert attempt.path() == undone_from("CreateInbox")


def test_a_mailbox_that_takes_no_logins_at_first_is_waited_for(attempt: Attempt) -> None:
    attempt.kindling.world.fault(
        *ACCOUNTS, "refuse", status=400, calls=[1, 2], message="IMAP connection failed: login refused"
    )
    assert attempt.create().status == 201
    assert len(attempt.kindling.world.inventory()["agentmail"]["api_keys"]) == 1


def test_no_secret_is_seen_in_an_execution(attempt: Attempt) -> None:
    attempt.create()
    history = attempt.kindling.last_execution("ProvisionAccount").history
    assert "am_us_" not in history
    assert "inst_" not in history
    assert "password" not in history


@pytest.mark.usefixtures("impatient")
def test_an_inbox_that_appears_late_is_still_found_and_undone(attempt: Attempt) -> None:
    attempt.kindling.world.set(inbox_visible_seconds=2)
    attempt.kindling.lambdas.overrides["CreateInboxFunction"] = dies_after_work()
    assert attempt.create().status == 502
    attempt.kindling.clock.advance(seconds=5)
    attempt.nothing_is_left()
