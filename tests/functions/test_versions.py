"""Items that earlier versions wrote: read through one door, in the shape of now."""

from typing import Any

import pytest

from kindling.accounts.model import FORGOTTEN
from kindling.platform import aws, table
from tests.conftest import Kindling
from tests.functions.test_inventory import run_inventory
from tests.functions.test_warmups import pending, read, row

KEY = {"pk": "KIND#1", "sk": "PART#1"}
# Their records are written by Powertools, which neither knows versions nor keeps a record for longer than a day.
UNVERSIONED = "#IDEMPOTENCY"


def stored() -> list[dict[str, Any]]:
    return [dict(item) for item in aws.table().scan()["Items"]]


def grow_old() -> int:
    """Take the version off every item, as the release before versions left them; how many had one."""
    versioned = [item for item in stored() if item.pop("v", None) is not None]
    for item in versioned:
        item.pop("v", None)
        aws.table().put_item(Item=item)
    return len(versioned)


def forget(kindling: Kindling, account: dict[str, Any]) -> None:
    """Leave an account as version 0 left one whose warmup did not start: pending, without a reason or a retry."""
    names = ("v", "due_shard", "due_at", "warmup_reason", "warmup_attempts")
    item = {name: value for name, value in row(kindling, account).items() if name not in names}
    aws.table().put_item(Item=item)


@pytest.fixture
def upgrades(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release whose shape has the number 3, and no upgrades yet."""
    monkeypatch.setattr(table, "_upgrades", [])
    monkeypatch.setattr(table, "SCHEMA", 3)


def test_whatever_is_put_has_the_number_of_the_tables_shape(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    kindling.account("kim", domain)
    kindling.api.post(f"/v1/domains/{domain['id']}/warming/start")
    kindling.api.post("/v1/suppressions", {"email": "a@b.example"})
    unversioned = [item for item in stored() if "v" not in item and UNVERSIONED not in item["pk"]]
    # Made by updates alone: counters, leases, marks and what is due for a tenant.
    made_by_updates = {
        str(item["pk"]).partition("#")[0] + " " + str(item["sk"]).partition("#")[0] for item in unversioned
    }
    assert {item["v"] for item in stored() if "v" in item} == {table.SCHEMA}
    assert {"TENANT ACCOUNT", "TENANT DOMAIN", "TENANT WARMING"} & made_by_updates == set()


def test_everything_that_the_version_before_wrote_is_read_as_before(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    account = kindling.account("kim", domain)
    kindling.api.post(f"/v1/domains/{domain['id']}/warming/start")
    kindling.api.post("/v1/suppressions", {"email": "a@b.example"})
    paths = [
        "/api/email/domains",
        f"/api/email/accounts/{account['id']}",
        f"/v1/domains/{domain['id']}",
        f"/v1/domains/{domain['id']}/warming",
        f"/v1/domains/{domain['id']}/warming/history",
        "/v1/suppressions",
        "/api/keys",
        "/api/inventory",
    ]

    def answers() -> list[Any]:
        return [kindling.api.get(path, **({"skip_sync": "true"} if path == paths[0] else {})).body for path in paths]

    before = answers()
    assert grow_old() > 5
    assert answers() == before
    # And goes on working: a second account, a message, a deletion.
    kindling.account("lee", domain)
    assert kindling.api.get(paths[1]).body["account"]["id"] == account["id"]
    assert kindling.api("DELETE", f"/api/email/accounts/{account['id']}").status == 200


def test_an_older_item_is_upgraded_step_by_step_wherever_it_is_read(cloud: None, upgrades: None) -> None:
    @table.upgrade(3, "KIND#", "PART#")
    def _third(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "path": [*item["path"], 3]}

    @table.upgrade(2, "KIND#", "PART#")
    def _second(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "path": [2]}

    aws.table().put_item(Item={**KEY, "v": 1})
    upgraded = {**KEY, "path": [2, 3]}
    where = table.Key("pk").eq("KIND#1")
    assert table.get(KEY) == upgraded
    assert table.batch_get([KEY]) == [upgraded]
    assert table.pages({"KeyConditionExpression": where}) == [upgraded]
    refusal = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(table.ConditionFailed) as lost:
        table.put(KEY, **refusal)
    assert lost.value.item == upgraded
    with pytest.raises(table.TransactionFailed) as cancelled:
        table.transact([{"Put": {"Item": KEY, **refusal}}])
    assert cancelled.value.items == [upgraded]
    change: dict[str, Any] = {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": 1}}
    assert table.update(KEY, ReturnValues="ALL_NEW", **change) == {**upgraded, "x": 1}
    # Reading writes nothing, and an item that is put again is of the shape of now.
    assert stored() == [{**KEY, "v": 1, "x": 1}]
    table.put({**KEY, "path": [2, 3]})
    assert stored() == [{**KEY, "path": [2, 3], "v": 3}]
    assert table.get(KEY) == upgraded


@pytest.mark.parametrize(("version", "expected"), [(None, True), (1, True), (2, False), (3, False)])
def test_an_upgrade_is_for_older_items_of_its_kind_only(
    cloud: None, upgrades: None, version: int | None, expected: bool
) -> None:
    table.upgrade(2, "KIND#", "PART#")(lambda item: {**item, "new": True})
    given = {} if version is None else {"v": version}
    for key in (KEY, {"pk": "KIND#1", "sk": "OTHER#1"}, {"pk": "OTHER#1", "sk": "PART#1"}):
        aws.table().put_item(Item={**key, **given})
    assert table.get(KEY) == ({**KEY, "new": True} if expected else KEY)
    assert table.get({"pk": "KIND#1", "sk": "OTHER#1"}) == {"pk": "KIND#1", "sk": "OTHER#1"}
    assert table.get({"pk": "OTHER#1", "sk": "PART#1"}) == {"pk": "OTHER#1", "sk": "PART#1"}


def test_an_account_that_version_0_left_pending_says_so_and_is_retried_within_a_day(kindling: Kindling) -> None:
    account = pending(kindling)
    forget(kindling, account)
    assert read(kindling, account)["warmup_reason"] == FORGOTTEN
    assert kindling.retry_warmups(days=7) == 0
    run_inventory(kindling)
    assert row(kindling, account)["due_at"] > row(kindling, account)["created_at"]
    assert kindling.retry_warmups(hours=1) == 1
    assert read(kindling, account)["status"] == "warming"


def test_an_account_that_waits_for_its_owner_is_not_taken_for_a_forgotten_one(kindling: Kindling) -> None:
    account = pending(kindling)
    item = {name: value for name, value in row(kindling, account).items() if name not in ("due_shard", "due_at", "v")}
    aws.table().put_item(Item={**item, "warmup_reason": "The mailbox is unknown."})
    run_inventory(kindling)
    assert "due_at" not in row(kindling, account)
    assert read(kindling, account)["warmup_reason"] == "The mailbox is unknown."
