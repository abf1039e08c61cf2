"""Postmaster Tools in the sandbox: who gets a token, and what is told of which day."""

import base64
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from local.sandbox import Sandbox
from local.sandbox.postmaster.tokens import EMAIL, GRANT, KEY_ID, MANAGER, READER
from tests.sandbox.resources import Time

AUDIENCE = "http://sandbox/v2/token"
QUERY = {
    "metricDefinitions": [
        {"name": "s", "baseMetric": {"standardMetric": "SPAM_RATE"}},
        {"name": "e", "baseMetric": {"standardMetric": "DELIVERY_ERROR_RATE"}},
    ],
    "timeQuery": {
        "dateRanges": {
            "dateRanges": [{"start": {"year": 2026, "month": 1, "day": 2}, "end": {"year": 2026, "month": 1, "day": 4}}]
        }
    },
}
DAYS = {
    "2026-01-01": {"spam_rate": 0.5},
    "2026-01-02": {"spam_rate": 0.0, "delivery_error_rate": 0.25},
    "2026-01-03": {},
    "2026-01-04": {"delivery_error_rate": 0.125},
    "2026-01-05": {"spam_rate": 0.5},
}


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def key(admin: httpx.Client) -> RSAPrivateKey:
    found = load_pem_private_key(admin.get("/service-account").json()["private_key"].encode(), password=None)
    assert isinstance(found, RSAPrivateKey)
    return found


class Google:
    """A client of both endpoints."""

    def __init__(self, client: httpx.Client, key: RSAPrivateKey, now: int) -> None:
        self._client, self._key, self._now = client, key, now

    def token(self, grant: str = GRANT, kid: str = KEY_ID, signature: bytes | None = None, **claims: Any) -> Any:
        known = {"iss": EMAIL, "scope": READER, "aud": AUDIENCE, "iat": self._now, "exp": self._now + 3600}
        header = {"alg": "RS256", "typ": "JWT", "kid": kid}
        signed = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(known | claims).encode())}"
        proof = self._key.sign(signed.encode(), PKCS1v15(), SHA256()) if signature is None else signature
        form = {"grant_type": grant, "assertion": f"{signed}.{encoded(proof)}"}
        return self._client.post("/v2/token", data=form).json()

    def query(self, domain: str = "acme.example", token: str | None = None, **changes: Any) -> httpx.Response:
        bearer = self.token()["access_token"] if token is None else token
        headers = {"Authorization": f"Bearer {bearer}"}
        return self._client.post(f"/v2/domains/{domain}/domainStats:query", json=QUERY | changes, headers=headers)


@pytest.fixture
def google(sandbox: Sandbox, admin: httpx.Client, key: RSAPrivateKey, time: Time) -> Google:
    admin.post("/settings", json={"gmail_days": {"acme.example": DAYS, "quiet.example": {}}}).raise_for_status()
    client = httpx.Client(transport=httpx.MockTransport(sandbox.handle), base_url="http://sandbox")
    return Google(client, key, int(time.now.timestamp()))


def test_a_signed_assertion_gets_a_token_for_an_hour(google: Google, time: Time) -> None:
    answer = google.token()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert google.query(token=answer["access_token"]).status_code == 200
    time.now += timedelta(seconds=3599)
    assert google.query(token=answer["access_token"]).json()["error"]["status"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant": "client_credentials"}, "unsupported_grant_type"),
        ({"kid": "another"}, "invalid_grant"),
        ({"signature": b"0" * 256}, "invalid_grant"),
        ({"iss": "another@sandbox.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "http://another/token"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"iat": 1}, "invalid_grant"),
        ({"scope": "https://mail.google.com/"}, "invalid_scope"),
    ],
)
def test_any_other_assertion_gets_none(google: Google, changes: dict[str, Any], error: str) -> None:
    assert google.token(**changes)["error"] == error


def test_a_token_of_another_scope_reads_nothing(google: Google) -> None:
    refused = google.query(token=google.token(scope=MANAGER)["access_token"]).json()["error"]
    assert refused["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert google.query(token="ya29.unknown").status_code == 401


def test_only_what_is_told_of_a_day_is_in_the_answer(google: Google) -> None:
    told = google.query().json()["domainStats"]
    assert [(one["metric"], one["date"]["day"], one["value"]) for one in told] == [
        ("s", 2, {"floatValue": 0.0}),
        ("e", 2, {"doubleValue": 0.25}),
        ("e", 4, {"doubleValue": 0.125}),
    ]
    assert google.query("quiet.example").json() == {}
    assert google.query("unknown.example").json()["error"]["status"] == "PERMISSION_DENIED"


def test_an_answer_has_pages(google: Google) -> None:
    first = google.query(pageSize=2).json()
    second = google.query(pageSize=2, pageToken=first["nextPageToken"]).json()
    assert [len(page["domainStats"]) for page in (first, second)] == [2, 1]
    assert "nextPageToken" not in second


@pytest.mark.parametrize(
    "changes",
    [
        {"metricDefinitions": []},
        {"metricDefinitions": [{"name": "x", "baseMetric": {"standardMetric": "REPUTATION"}}]},
        {"timeQuery": {}},
        {"startDate": "2026-01-01"},
        {"pageSize": 201},
        {"pageToken": "2026-01-09/s"},
        {"parent": "domains/other.example"},
    ],
)
def test_a_query_that_google_does_not_know_is_refused(google: Google, changes: dict[str, Any]) -> None:
    refused = google.query(**changes)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_reset_keeps_the_service_account(admin: httpx.Client) -> None:
    before = admin.get("/service-account").json()
    admin.post("/reset").raise_for_status()
    assert admin.get("/service-account").json() == before
