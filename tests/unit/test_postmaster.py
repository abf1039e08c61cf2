"""The client of Postmaster Tools: what is a figure and what is none, and how a service account proves itself."""

import base64
import json
from datetime import date
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from kindling import errors
from kindling.platform import clock
from kindling.providers import client as provider_client
from kindling.providers.model import ReputationDay
from kindling.providers.postmaster import ASSERTION_SECONDS, GRANT, PAGE, SCOPE, Postmaster
from tests.conftest import Clock
from tests.unit.google import FIRST, KEY, KEY_FILE, LAST, TOKEN, google_says, stat, stats
from tests.unit.script import Line, Script, answer

SILENCE = httpx.ReadTimeout("silence")
PATH = "/v2/domains/acme.example/domainStats:query"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, steady_clock: Clock, cloud: None) -> Script:
    script = Script()
    monkeypatch.setattr(provider_client, "transport", lambda: httpx.MockTransport(script.handle))
    return script


@pytest.fixture
def postmaster(script: Script) -> Postmaster:
    return Postmaster("http://postmaster.example", lambda: KEY_FILE)


def daily(postmaster: Postmaster) -> list[ReputationDay] | None:
    return postmaster.daily("acme.example", FIRST, LAST)


def asked(script: Script) -> list[str]:
    return [request.url.path for request in script.asked]


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_a_day_has_the_figures_that_google_tells_and_no_others(script: Script, postmaster: Postmaster) -> None:
    script.play(
        TOKEN,
        stats(
            stat("spam_rate", 24, floatValue=0),
            stat("delivery_error_rate", 24, doubleValue=0.25),
            stat("spam_rate", 22, doubleValue=0.003),
            stat("delivery_error_rate", 26, floatValue=1),
            stat("spam_rate", 27),
        ),
    )
    assert daily(postmaster) == [
        ReputationDay(date(2026, 2, 22), spam_rate=0.003),
        ReputationDay(date(2026, 2, 24), spam_rate=0.0, delivery_error_rate=0.25),
        ReputationDay(date(2026, 2, 26), delivery_error_rate=1.0),
        ReputationDay(date(2026, 2, 27)),
    ]


def test_a_domain_with_too_little_mail_has_no_days(script: Script, postmaster: Postmaster) -> None:
    script.play(TOKEN, stats())
    assert daily(postmaster) == []


@pytest.mark.parametrize("status", [403, 404])
def test_a_domain_that_the_account_may_not_see_is_not_connected(
    script: Script, postmaster: Postmaster, status: int
) -> None:
    script.play(TOKEN, google_says(status))
    assert daily(postmaster) is None


def test_the_question_is_for_both_rates_of_every_day(script: Script, postmaster: Postmaster) -> None:
    script.play(TOKEN, stats(stat("spam_rate", 22, floatValue=0.1), next_page="2026-02-23/spam_rate"), stats())
    assert daily(postmaster) == [ReputationDay(date(2026, 2, 22), spam_rate=0.1)]
    assert asked(script) == ["/v2/token", PATH, PATH]
    first, second = (json.loads(request.content) for request in script.asked[1:])
    assert first == {
        "metricDefinitions": [
            {"name": "spam_rate", "baseMetric": {"standardMetric": "SPAM_RATE"}},
            {"name": "delivery_error_rate", "baseMetric": {"standardMetric": "DELIVERY_ERROR_RATE"}},
        ],
        "timeQuery": {
            "dateRanges": {
                "dateRanges": [
                    {"start": {"year": 2026, "month": 2, "day": 22}, "end": {"year": 2026, "month": 2, "day": 28}}
                ]
            }
        },
        "aggregationGranularity": "DAILY",
        "pageSize": PAGE,
    }
    assert second == first | {"pageToken": "2026-02-23/spam_rate"}


def test_a_service_account_signs_for_a_token_which_then_stands_for_it(
    script: Script, postmaster: Postmaster, steady_clock: Clock
) -> None:
    script.play(TOKEN, stats())
    daily(postmaster)
    request, question = script.asked
    assert str(request.url) == KEY["token_uri"]
    assert "authorization" not in request.headers
    form = parse_qs(request.content.decode())
    assert form["grant_type"] == [GRANT]
    header, claims, _ = form["assertion"][0].split(".")
    assert decoded(header) == {"alg": "RS256", "typ": "JWT", "kid": KEY["private_key_id"]}
    now = int(clock.now().timestamp())
    about = {"iss": KEY["client_email"], "scope": SCOPE, "aud": KEY["token_uri"]}
    assert decoded(claims) == {**about, "iat": now, "exp": now + ASSERTION_SECONDS}
    assert question.headers["authorization"] == "Bearer ya29.first"


def test_the_token_endpoint_is_googles_own_or_that_of_its_stand_in(script: Script) -> None:
    script.play(TOKEN, stats())
    google = json.dumps({**KEY, "token_uri": "https://oauth2.googleapis.com/token"})
    assert daily(Postmaster("http://postmaster.example", lambda: google)) == []
    assert str(script.asked[0].url) == "https://oauth2.googleapis.com/token"


def test_a_token_is_used_until_a_minute_before_it_ends(
    script: Script, postmaster: Postmaster, steady_clock: Clock
) -> None:
    script.play(TOKEN, stats())
    daily(postmaster)
    steady_clock.advance(seconds=3599 - 61)
    daily(postmaster)
    assert asked(script).count("/v2/token") == 1
    steady_clock.advance(seconds=1)
    script.play(TOKEN, stats())
    daily(postmaster)
    assert asked(script).count("/v2/token") == 2


def test_a_token_that_is_refused_is_used_no_more(script: Script, postmaster: Postmaster) -> None:
    script.play(TOKEN, google_says(401), TOKEN, stats())
    with pytest.raises(errors.KeyRefused):
        daily(postmaster)
    assert daily(postmaster) == []
    assert asked(script) == ["/v2/token", PATH, "/v2/token", PATH]


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([answer(400, {"error": "invalid_grant"})], errors.KeyRefused),
        ([answer(401, {"error": "invalid_client"})], errors.KeyRefused),
        ([answer(500)], errors.ProviderUnavailable),
        ([answer(429)], errors.ProviderUnavailable),
        ([SILENCE], errors.ProviderUnavailable),
        ([answer(200, {"token_type": "Bearer"})], errors.ProviderUnavailable),
        ([TOKEN, SILENCE], errors.ProviderUnavailable),
        ([TOKEN, answer(200, ["no object"])], errors.ProviderUnavailable),
        ([TOKEN, stats(stat("spam_rate", 30, floatValue=0.1))], errors.ProviderUnavailable),
        ([TOKEN, stats(stat("spam_rate", 24, floatValue=1.01))], errors.ProviderUnavailable),
        ([TOKEN, stats(stat("spam_rate", 24, doubleValue=-0.01))], errors.ProviderUnavailable),
    ],
)
def test_trouble_is_told_apart(
    script: Script, postmaster: Postmaster, lines: list[Line], error: type[errors.KindlingError]
) -> None:
    script.play(*lines)
    with pytest.raises(errors.KindlingError) as caught:
        daily(postmaster)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AIza",
        json.dumps({"client_email": "a@b.example"}),
        json.dumps({**KEY, "private_key": "none"}),
        json.dumps({**KEY, "token_uri": "http://127.0.0.1/v2/token"}),
    ],
)
def test_a_key_file_that_is_none_is_refused_and_not_quoted(script: Script, text: str) -> None:
    with pytest.raises(errors.KeyRefused, match=r"^The key to Postmaster Tools is not the key file") as caught:
        daily(Postmaster("http://postmaster.example", lambda: text))
    assert caught.value.__suppress_context__
    assert script.asked == []
