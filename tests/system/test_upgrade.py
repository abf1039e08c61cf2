"""A release deployed to the engine while a saga is in flight, and a table restored, with what stands afterwards."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import restore
from local.aws import client
from local.deploy import Deployment
from local.launcher import LocalCloud, started
from local.packaging import Package, package
from local.settings import ROOT, TEMPLATE, Home
from tests.system.conftest import GROUP, Local, free_ports

pytestmark = [pytest.mark.system, GROUP]

ACCOUNTS = "/api/email/accounts"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A local cloud of its own, since these tests leave another stack behind."""
    home: Path = tmp_path_factory.mktemp("kindling")
    with started(LocalCloud(Home(home), free_ports(), say=lambda _line: None)) as running:
        yield running


def next_release(folder: Path) -> Path:
    """The template of a release whose accounts may send a message more."""
    for name in ("functions", "statemachines"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "layers", folder / "layers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TEMPLATE, folder)
    model = folder / "layers/core/kindling/accounts/model.py"
    model.write_text(model.read_text().replace("DAILY_LIMIT = 30", "DAILY_LIMIT = 31"))
    return folder / TEMPLATE.name


def deploy(cloud: LocalCloud, packaged: Package) -> None:
    Deployment(packaged, cloud.home, cloud.ports).run(os.environ)


def restore_now(local: Local) -> tuple[str, str]:
    """Restore the table, as it is now, into a new one; its name and ARN."""
    dynamodb = client("dynamodb", local.description["engine_url"])
    source = local.description["table_name"]
    backup = dynamodb.create_backup(TableName=source, BackupName="drill")["BackupDetails"]["BackupArn"]
    dynamodb.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
    dynamodb.get_waiter("table_exists").wait(TableName="restored", WaiterConfig={"Delay": 1})
    return "restored", dynamodb.describe_table(TableName="restored")["Table"]["TableArn"]


def found_in(local: Local, table: str) -> set[str]:
    """The resources that the inventory reports in a table."""
    items = client("dynamodb", local.description["engine_url"]).scan(TableName=table)["Items"]
    return {item["target"]["S"] for item in items if "problem" in item}


def create(local: Local, domain: dict[str, Any], username: str) -> str:
    """Begin to create an account; the path of its operation."""
    body = {"username": username, "domain_id": domain["id"]}
    created = local.api.post(ACCOUNTS, json=body, headers={"Prefer": "respond-async"})
    assert created.status_code == 202, created.text
    return str(created.headers["Location"])


def ended(local: Local, location: str) -> dict[str, Any]:
    """The account that an operation made."""
    operation = local.ended(location)
    assert operation["state"] == "succeeded", operation
    account: dict[str, Any] = local.api.get(f"{ACCOUNTS}/{operation['subject_id']}").json()["account"]
    return account


def test_a_saga_in_flight_over_a_deployment_ends_by_the_version_that_it_began_with(
    local: Local, cloud: LocalCloud, tmp_path: Path
) -> None:
    domain = local.new_domain()
    local.fault("agentmail", "POST", "/v0/inboxes", "refuse", status=503)
    before = create(local, domain, "before")
    deploy(cloud, package(next_release(tmp_path), cloud.home))
    local.heal()
    # Saving the account is the last step, long after the deployment.
    assert ended(local, before)["daily_limit"] == 30
    assert ended(local, create(local, domain, "after"))["daily_limit"] == 31


def test_what_was_there_stands_after_the_table_is_restored_and_what_came_later_is_found(
    local: Local, cloud: LocalCloud
) -> None:
    domain = local.new_domain()
    kept = ended(local, create(local, domain, "kept"))
    name, arn = restore_now(local)
    later = ended(local, create(local, domain, "later"))
    packaged = package(TEMPLATE, cloud.home)
    deploy(cloud, Package(restore.pointed(packaged.template, name, arn), packaged.archives))
    # The API key stands, the domain and its accounts do, and what was made afterwards is unknown.
    assert local.api.get(f"{ACCOUNTS}/{kept['id']}").json()["account"]["email_address"] == kept["email_address"]
    assert local.api.get(f"/api/email/domains/{domain['id']}").json()["domain"]["status"] == "verified"
    assert local.api.get(f"{ACCOUNTS}/{later['id']}").status_code == 404
    # No provider resource is left that the inventory does not name.
    local.tick("reconcile-inventory")
    found = found_in(local, name)
    assert later["email_address"] in found
    assert kept["email_address"] not in found
    # And work goes on with the copy.
    assert ended(local, create(local, local.new_domain(), "new"))["daily_limit"] == 30
