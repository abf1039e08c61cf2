"""Enabling warmups together: the queue, the worker, and the retries of what did not start."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kindling.accounts import claims, enabling
from kindling.accounts.model import Account, retry_pause
from kindling.platform import aws
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.harness.lambdas import invoke

ACCOUNTS = "/api/email/accounts"
ENABLE = ("instantly", "POST", "/api/v2/accounts/warmup/enable")
INSTANTLY = {"Authorization": "Bearer inst_test"}
MOMENT = timedelta(milliseconds=1)


def pending(kindling: Kindling, username: str = "kim", domain: dict[str, Any] | None = None) -> dict[str, Any]:
    """An account that was saved before its warmup was confirmed; Instantly has nothing against it."""
    kindling.world.fault(*ENABLE, "refuse", status=500)
    account = kindling.account(username, domain)
    kindling.world.heal()
    assert status(account) == "pending"
    return account


def several(kindling: Kindling, usernames: str) -> list[dict[str, Any]]:
    domain = kindling.verified_domain()
    return [pending(kindling, username, domain) for username in usernames.split()]


def read(kindling: Kindling, account: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = kindling.api.get(f"{ACCOUNTS}/{account['id']}").body["account"]
    return found


def status(account: dict[str, Any]) -> str:
    assert (account["status"] == "warming") == (account["warmup_status"] == "warming")
    return str(account["status"])


def statuses(kindling: Kindling) -> dict[str, str]:
    rows = kindling.api.get(ACCOUNTS).body["accounts"]
    return {row["email_address"].partition("@")[0]: status(row) for row in rows}


def row(kindling: Kindling, account: dict[str, Any]) -> dict[str, Any]:
    key = {"pk": f"TENANT#{kindling.user_id}", "sk": f"ACCOUNT#{account['id']}"}
    return dict(aws.table().get_item(Key=key)["Item"])


def jobs(kindling: Kindling) -> list[int]:
    """How many addresses each job had."""
    request = httpx.Request(
        "GET",
        "http://sandbox/api/v2/background-jobs?limit=100&data_fields=total_to_process",
        headers=INSTANTLY,
    )
    listed = kindling.world.sandbox.handle(request).json()["items"]
    return sorted(job["data"]["total_to_process"] for job in listed)


def deliver(kindling: Kindling, *accounts: dict[str, Any], **extra: str) -> None:
    """Run the worker with one message for each account, as the poller or (with an address) the saga sends them."""
    keys = [{"pk": f"TENANT#{kindling.user_id}", "sk": f"ACCOUNT#{account['id']}", **extra} for account in accounts]
    records = [{"messageId": str(i), "body": json.dumps(key)} for i, key in enumerate(keys)]
    assert invoke("EnableWarmupsFunction", {"Records": records}) == {"batchItemFailures": []}


def test_what_has_gathered_is_enabled_in_one_job(kindling: Kindling) -> None:
    several(kindling, "kim lee max pat")
    assert kindling.retry_warmups(minutes=1) == 4
    assert set(statuses(kindling).values()) == {"warming"}
    assert jobs(kindling) == [4]


def test_a_pending_account_is_due_after_a_minute_and_no_more_once_it_is_warming(kindling: Kindling) -> None:
    account = pending(kindling)
    saved = row(kindling, account)
    kindling.clock.at += timedelta(minutes=1) - MOMENT
    assert invoke("RetryWarmupsFunction", {}) == {"queued": 0}
    assert kindling.retry_warmups(milliseconds=1) == 1
    warming = row(kindling, account)
    assert saved.keys() - warming.keys() == {"due_shard", "due_at", "warmup_reason"}
    assert read(kindling, account)["warmup_reason"] is None


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (5000, 60)]
)
def test_the_pauses_between_retries_grow_to_an_hour(attempts: int, minutes: int) -> None:
    assert retry_pause(attempts) == timedelta(minutes=minutes)


def test_a_provider_that_is_away_is_tried_again_with_growing_pauses_and_the_row_says_why(kindling: Kindling) -> None:
    account = pending(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=500)
    for attempt, minutes in ((1, 1), (2, 2), (3, 4)):
        assert kindling.retry_warmups(hours=1) == 1
        later = row(kindling, account)
        assert later["warmup_attempts"] == attempt
        assert later["due_at"] > (kindling.clock.at + timedelta(minutes=minutes, seconds=-1)).isoformat()
        assert "Instantly" in read(kindling, account)["warmup_reason"]
    kindling.world.heal()
    kindling.retry_warmups(hours=1)
    assert status(read(kindling, account)) == "warming"


def test_a_key_that_is_refused_is_the_operators_and_goes_on_being_tried(kindling: Kindling) -> None:
    account = pending(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=402)
    kindling.retry_warmups(minutes=1)
    assert "402" in read(kindling, account)["warmup_reason"]
    kindling.world.heal()
    assert kindling.retry_warmups(hours=1) == 1
    assert status(read(kindling, account)) == "warming"


def test_a_workspace_that_is_busy_is_waited_for(kindling: Kindling) -> None:
    account = pending(kindling)
    kindling.world.fault(*ENABLE, "refuse", status=409, calls=[1, 2, 3])
    kindling.retry_warmups(minutes=1)
    assert status(read(kindling, account)) == "warming"


def test_a_job_that_does_not_end_counts_for_no_attempt(kindling: Kindling) -> None:
    account = pending(kindling)
    kindling.world.set(warmup_job_seconds=3600)
    for _ in range(3):
        began = kindling.clock.at
        assert kindling.retry_warmups(minutes=5) == 1
        assert kindling.clock.at - began < timedelta(minutes=10)
        assert row(kindling, account).get("warmup_attempts", 0) == 0
        assert status(read(kindling, account)) == "pending"
    kindling.retry_warmups(hours=1)
    assert status(read(kindling, account)) == "warming"
    assert jobs(kindling) == [1]


def test_an_address_that_is_refused_stops_no_other_and_waits_for_its_owner(kindling: Kindling) -> None:
    accounts = several(kindling, "kim lee max")
    # Refused: all three, and then the first of them alone.
    kindling.world.fault(*ENABLE, "refuse", status=400, calls=[1, 2])
    kindling.retry_warmups(minutes=1)
    assert sorted(statuses(kindling).values()) == ["pending", "warming", "warming"]
    (refused,) = (shown for account in accounts if status(shown := read(kindling, account)) == "pending")
    assert "400" in refused["warmup_reason"]
    assert kindling.retry_warmups(days=1) == 0
    kindling.world.heal()
    retried = kindling.api.patch(f"{ACCOUNTS}/{refused['id']}/retry-warmup").body["account"]
    assert (status(retried), retried["warmup_reason"]) == ("warming", None)


def test_an_account_that_instantly_has_banned_waits_for_its_owner(kindling: Kindling) -> None:
    account = pending(kindling)
    kindling.world.set(warmup_states={account["email_address"]: -1})
    kindling.retry_warmups(minutes=1)
    assert read(kindling, account)["warmup_reason"] == "Instantly has banned or suspended the account."
    assert kindling.retry_warmups(days=1) == 0


def test_a_warmup_account_that_is_gone_is_registered_anew_with_its_tags(kindling: Kindling) -> None:
    account = pending(kindling)
    path = f"http://sandbox/api/v2/accounts/{account['email_address']}"
    assert kindling.world.sandbox.handle(httpx.Request("DELETE", path, headers=INSTANTLY)).is_success
    kindling.retry_warmups(minutes=1)
    after = read(kindling, account)
    assert status(after) == "warming"
    tagged = httpx.Request(
        "GET", f"http://sandbox/api/v2/accounts?tag_ids={after['instantly_tag_id']}", headers=INSTANTLY
    )
    assert [row["email"] for row in kindling.world.sandbox.handle(tagged).json()["items"]] == [account["email_address"]]


def test_an_account_whose_warmup_its_owner_has_switched_off_waits_until_it_is_on(kindling: Kindling) -> None:
    account = pending(kindling)
    path = f"{ACCOUNTS}/{account['id']}"
    assert kindling.api.patch(path, {"warmup_enabled": False}).status == 200
    kindling.retry_warmups(minutes=1)
    assert read(kindling, account)["warmup_reason"] == enabling.SWITCHED_OFF
    assert status(read(kindling, account)) == "pending"
    kindling.clock.advance(seconds=2)
    assert kindling.api.patch(path, {"warmup_enabled": True}).status == 200
    kindling.retry_warmups(hours=1)
    assert status(read(kindling, account)) == "warming"


def test_a_message_that_comes_twice_runs_one_job(kindling: Kindling) -> None:
    account = pending(kindling)
    deliver(kindling, account, account)
    deliver(kindling, account)
    assert jobs(kindling) == [1]
    assert status(read(kindling, account)) == "warming"


def test_an_account_that_was_deleted_meanwhile_leaves_no_warmup(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = pending(kindling)
    real = enabling._begin

    def meanwhile(found: Account) -> Account | None:
        """The worker has read the row before the deletion, and registers the account after it."""
        kindling.world.fault("agentmail", "DELETE", "/v0/inboxes/kim@acme.example", "refuse", status=503)
        assert kindling.api("DELETE", f"{ACCOUNTS}/{account['id']}").status == 200
        return real(found)

    with monkeypatch.context() as patch:
        patch.setattr(enabling, "_begin", meanwhile)
        kindling.retry_warmups(minutes=1)
    kindling.world.heal()
    assert len(kindling.world.inventory()["instantly"]["accounts"]) == 1
    assert kindling.run_cleanups() == 2
    assert kindling.world.inventory()["instantly"]["accounts"] == []


def test_a_saga_that_still_runs_is_served_and_one_that_was_undone_is_not(kindling: Kindling) -> None:
    account = kindling.account()
    key = claims.claim_key(account["email_address"])
    making = {"id": "0b1e5a5e-0000-4000-8000-000000000001", "email_address": account["email_address"]}

    def served(**claim: str) -> bool:
        before = len(jobs(kindling))
        kindling.clock.advance(seconds=5)
        aws.table().put_item(Item={**key, "user_id": "u", "domain_id": "d", **claim})
        deliver(kindling, making, address=account["email_address"])
        return len(jobs(kindling)) > before

    assert served(status="reserved", account_id=making["id"])
    assert not served(status="reserved", account_id=account["id"])
    assert not served(status="burnt", account_id=making["id"])
    aws.table().delete_item(Key=key)
    deliver(kindling, making, address="nobody@acme.example")


def test_a_create_hands_its_address_over_and_does_not_call_the_provider_itself(kindling: Kindling) -> None:
    kindling.verified_domain()
    enabling.hand_over(kindling.user_id, "a", "kim@acme.example")
    (message,) = aws.sqs().receive_message(QueueUrl=settings().warmups_queue_url)["Messages"]
    assert json.loads(message["Body"]) == {
        "pk": f"TENANT#{kindling.user_id}",
        "sk": "ACCOUNT#a",
        "address": "kim@acme.example",
    }
    assert jobs(kindling) == []
