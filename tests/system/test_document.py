"""The OpenAPI document against the local cloud: what schemathesis makes of it is answered as it says."""

import httpx
import pytest

from tests.harness import cases
from tests.harness.cases import Ids
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]

CASES, ALL = 1, 220  # of each operation; those of `--whole` are more than 10,000 in all


def existing(local: Local) -> Ids:
    """What paths may name."""
    domain = local.new_domain()
    account = local.api.post("/api/email/accounts", json={"username": "kim", "domain_id": domain["id"]}).json()
    key = local.api.post("/api/keys", json={"name": "spare"}).json()["key"]
    other = {"domain": f"later-{domain['domain']}"}
    later = local.api.post("/api/email/domains", json=other, headers={"Prefer": "respond-async"}).json()
    return {
        "account_id": [account["account"]["id"]],
        "domain_id": [domain["id"], domain["domain"]],
        "email": ["max@example.com"],
        "key_id": [key["id"]],
        "operation_id": [later["operation"]["id"]],
    }


def test_a_client_of_the_document_meets_nothing_that_it_does_not_say(
    local: Local, request: pytest.FixtureRequest
) -> None:
    # So that the provider of warmup is not busy with the request before.
    local.sandbox.post("/_admin/settings", json={"warmup_job_seconds": 0})
    whole = request.config.getoption("--whole")
    with httpx.Client(base_url=local.description["api_url"], timeout=60) as client:
        made = cases.run(
            client, local.description["api_key"], existing(local), cases=ALL if whole else CASES, fixed=not whole
        )
    assert made > (10_000 if whole else 45)


def test_the_way_to_the_document_is_found_and_a_browser_keeps_it(local: Local) -> None:
    index = httpx.get(f"{local.description['api_url']}/").json()
    for path in index["links"].values():
        assert httpx.get(local.description["api_url"] + path).status_code == 200
    first = local.api.get(index["links"]["docs"])
    assert "SwaggerUIBundle" in first.text
    again = local.api.get(index["links"]["docs"], headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
