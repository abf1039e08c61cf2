"""The admin API: faults, settings and reset."""

from typing import Any

import httpx
import pytest

from local.sandbox import Sandbox
from tests.sandbox.resources import inbox, zone_id

EMPTY: dict[str, Any] = {
    "agentmail": {"domains": [], "inboxes": [], "api_keys": [], "messages": []},
    "instantly": {"accounts": [], "tags": []},
    "cloudflare": {"zones": [], "records": []},
    "postmaster": {"domains": []},
}
CREATE_INBOX = {"provider": "agentmail", "method": "POST", "path": "/v0/inboxes"}


def post_fault(admin: httpx.Client, **fault: Any) -> None:
    admin.post("/faults", json=fault).raise_for_status()


def test_an_empty_world_has_an_empty_inventory(admin: httpx.Client) -> None:
    assert admin.get("/inventory").json() == EMPTY


def test_a_refused_call_does_nothing(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=500)
    answer = agentmail.post("/inboxes", json={})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert admin.get("/inventory").json() == EMPTY


def test_a_call_without_a_response_was_executed(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="timeout_after", calls=[1])
    with pytest.raises(httpx.ReadTimeout):
        agentmail.post("/inboxes", json={"client_id": "acct-1"})
    address = admin.get("/inventory").json()["agentmail"]["inboxes"][0]["inbox_id"]
    assert inbox(agentmail, client_id="acct-1") == address


def test_a_call_whose_connection_is_closed_was_executed(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="drop_answer")
    with pytest.raises(httpx.RemoteProtocolError):
        agentmail.post("/inboxes", json={})
    assert len(admin.get("/inventory").json()["agentmail"]["inboxes"]) == 1


def test_a_delay_does_not_wait_in_process(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="delay", seconds=3600)
    assert agentmail.post("/inboxes", json={}).status_code == 200


def test_calls_are_counted_from_the_moment_of_posting(admin: httpx.Client, agentmail: httpx.Client) -> None:
    inbox(agentmail)
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=503, calls=[2, 3])
    agentmail.get("/inboxes")
    statuses = [agentmail.post("/inboxes", json={}).status_code for _ in range(4)]
    assert statuses == [200, 503, 503, 200]


def test_every_fault_counts_its_own_calls(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=503, calls=[1])
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=500, calls=[1, 2])
    statuses = [agentmail.post("/inboxes", json={}).status_code for _ in range(3)]
    assert statuses == [503, 500, 200]
    assert [posted["seen"] for posted in admin.get("/faults").json()["faults"]] == [3, 3]


def test_a_path_may_end_in_a_star(admin: httpx.Client, agentmail: httpx.Client) -> None:
    address = inbox(agentmail, username="kim+a")
    path = "/v0/inboxes/kim%2Ba*"
    post_fault(admin, provider="agentmail", method="GET", path=path, fault="refuse", status=500)
    assert agentmail.get(f"/inboxes/{address}").status_code == 500
    assert agentmail.get(f"/inboxes/{address}/messages").status_code == 500
    assert agentmail.get("/inboxes").status_code == 200


def test_faults_can_be_deleted(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=500)
    admin.delete("/faults").raise_for_status()
    assert agentmail.post("/inboxes", json={}).status_code == 200


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ({"status": 403}, 403, {"message": "Forbidden"}),
        ({"status": 401}, 401, {"message": "Unauthorized"}),
        (
            {"status": 403, "code": "message_rejected", "message": "No"},
            403,
            {"name": "MessageRejectedError", "code": "message_rejected", "message": "No"},
        ),
        (
            {"status": 409, "code": "race_condition"},
            409,
            {"name": "RaceConditionError", "code": "race_condition", "message": "Race condition"},
        ),
    ],
)
def test_agentmail_refuses_in_its_two_formats(
    admin: httpx.Client, agentmail: httpx.Client, fault: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    post_fault(admin, **CREATE_INBOX, fault="refuse", **fault)
    answer = agentmail.post("/inboxes", json={})
    assert (answer.status_code, answer.json()) == (status, body)


def test_a_plan_limit_names_the_limited_resource(admin: httpx.Client, agentmail: httpx.Client) -> None:
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=403, code="limit_exceeded")
    body = agentmail.post("/inboxes", json={}).json()
    assert (body["name"], body["resource"]) == ("LimitExceededError", "inboxes")


def test_instantly_refuses_in_its_format(admin: httpx.Client, instantly: httpx.Client) -> None:
    post_fault(admin, provider="instantly", method="GET", path="/api/v2/accounts", fault="refuse", status=402)
    assert instantly.get("/accounts").json() == {
        "statusCode": 402,
        "error": "Payment Required",
        "message": "An active paid plan is required",
    }


def test_cloudflare_refuses_in_its_format(admin: httpx.Client, cloudflare: httpx.Client) -> None:
    path = f"/zones/{zone_id(cloudflare)}/dns_records/batch"
    fault = {"method": "POST", "path": f"/client/v4{path}", "fault": "refuse", "status": 400}
    post_fault(admin, provider="cloudflare", code=81053, **fault)
    answer = cloudflare.post(path, json={})
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"code": 81053, "message": "An A, AAAA, or CNAME record with that host already exists."}
    ]


@pytest.mark.parametrize(
    ("provider", "path", "message"),
    [
        ("agentmail", "/v0/inboxes", '"rate_limit_exceeded"'),
        ("instantly", "/api/v2/accounts", '"Too Many Requests"'),
        ("cloudflare", "/client/v4/zones", "971"),
    ],
)
def test_a_rate_limit_has_a_retry_after(
    admin: httpx.Client, sandbox: Sandbox, provider: str, path: str, message: str
) -> None:
    post_fault(admin, provider=provider, method="GET", path=path, fault="rate_limit", seconds=2)
    answer = sandbox.handle(httpx.Request("GET", f"http://sandbox{path}"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert message in answer.text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": None}, "a fault `refuse` needs a status"),
        ({"fault": "delay"}, "a fault `delay` needs seconds"),
        ({"path": "/api/v2/accounts"}, "the path of a fault for agentmail begins with /v0/"),
        ({"provider": "aws"}, "provider: "),
        ({"method": "get"}, "method: "),
        ({"calls": [0]}, "calls.0: "),
        ({"calls": []}, "calls: "),
        ({"times": 2}, "There is no fault field `times`."),
        ({"code": 81053}, "only a Cloudflare code is a number"),
    ],
)
def test_an_invalid_fault_is_refused(admin: httpx.Client, change: dict[str, Any], sentence: str) -> None:
    answer = admin.post("/faults", json={**CREATE_INBOX, "fault": "refuse", "status": 500, **change})
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert admin.get("/faults").json() == {"faults": []}


def test_settings_are_merged_and_returned(admin: httpx.Client) -> None:
    assert admin.get("/settings").json()["settle_seconds"] == 3
    admin.post("/settings", json={"rates": {"A.example": {"bounce": 0.1}}}).raise_for_status()
    admin.post("/settings", json={"rates": {"b.example": {"open": 0.4}}, "settle_seconds": 1})
    settings = admin.get("/settings").json()
    assert settings["settle_seconds"] == 1
    none = {"bounce": 0, "soft_bounce": 0, "block": 0, "reject": 0, "complaint": 0, "open": 0, "click": 0}
    assert settings["rates"] == {
        "a.example": {"delivery": 1, **none, "bounce": 0.1},
        "b.example": {"delivery": 1, **none, "open": 0.4},
    }
    admin.post("/settings", json={"rates": {"a.example": None}})
    assert set(admin.get("/settings").json()["rates"]) == {"b.example"}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"speed": 1}', "There is no setting `speed`."),
        (b'{"settle_seconds": "soon"}', "settle_seconds: "),
        (b'{"settle_seconds": -1}', "settle_seconds: "),
        (b'{"taken_addresses": "kim"}', "taken_addresses: "),
        (b'{"burnt_code": "gone"}', "burnt_code: "),
        (b'{"rates": {"a.example": {"bounce": 2}}}', "rates.a.example.bounce: "),
        (
            b'{"rates": {"a.example": {"bounce": 0.6, "soft_bounce": 0.5}}}',
            "rates.a.example: bounce, soft_bounce, block and reject are more than all recipients.",
        ),
        (b'{"webhook_repeat": 0}', "webhook_repeat: "),
        (b"[]", "The body is not a JSON object."),
        (b"{", "The body is not JSON."),
    ],
)
def test_an_invalid_setting_changes_nothing(admin: httpx.Client, body: bytes, sentence: str) -> None:
    before = admin.get("/settings").json()
    answer = admin.post("/settings", content=body)
    assert answer.status_code == 400
    assert sentence in answer.json()["message"]
    assert admin.get("/settings").json() == before


@pytest.mark.parametrize("over_http", [True, False])
def test_a_reset_empties_the_world(
    admin: httpx.Client, agentmail: httpx.Client, sandbox: Sandbox, over_http: bool
) -> None:
    agentmail.delete(f"/inboxes/{inbox(agentmail, username='kim')}")
    inbox(agentmail, username="lee")
    admin.post("/settings", json={"settle_seconds": 0})
    post_fault(admin, **CREATE_INBOX, fault="refuse", status=500)
    if over_http:
        admin.post("/reset").raise_for_status()
    else:
        sandbox.reset()
    assert admin.get("/inventory").json() == EMPTY
    assert admin.get("/settings").json()["settle_seconds"] == 3
    assert inbox(agentmail, username="kim") == "kim@agentmail.to"


def test_an_unknown_path_is_not_found(admin: httpx.Client, sandbox: Sandbox) -> None:
    assert admin.get("/nothing").status_code == 404
    assert sandbox.handle(httpx.Request("GET", "http://sandbox/")).status_code == 404
