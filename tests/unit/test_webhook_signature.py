"""The signature of webhooks, judged by Standard Webhooks' own library, to which Svix's hands its work over."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from kindling.errors import Unauthorized
from kindling.webhooks import signature
from local.sandbox import Sandbox
from tests.conftest import Clock, World

SECRET = "whsec_" + base64.b64encode(b"an example of a secret 24").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret of 24 byte").decode()
BODY = '{"type":"event","subject":"grüße"}'
ID = "msg_1"

Headers = dict[str, str]


@pytest.fixture
def now(steady_clock: Clock) -> datetime:
    """The machine's own time, which the library goes by, at a whole second; for us it stands still."""
    steady_clock.at = datetime.now(UTC).replace(microsecond=0)
    return steady_clock.at


def signed(at: datetime, *, secret: str = SECRET, identity: str = ID, body: str = BODY) -> Headers:
    """The headers that the library's signature makes."""
    return {
        "svix-id": identity,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign(identity, at, body),
    }


def we_take(headers: Headers, body: str = BODY, secret: str = SECRET) -> bool:
    try:
        return signature.verify(secret, headers, body.encode()) == headers["svix-id"]
    except Unauthorized:
        return False


def library_takes(headers: Headers, body: str = BODY, secret: str = SECRET) -> bool:
    renamed = {name.replace("svix-", "webhook-"): text for name, text in headers.items()}
    try:
        Webhook(secret).verify(body, renamed)
    except (WebhookVerificationError, ValueError):
        # It stumbles over a signature without a comma, or that is no base64.
        return False
    return True


def test_what_the_library_signs_is_taken(now: datetime) -> None:
    assert we_take(signed(now))
    assert library_takes(signed(now))
    rotated = signed(now) | {"svix-signature": f"{signed(now, secret=OTHER)['svix-signature']} "}
    rotated["svix-signature"] += signed(now)["svix-signature"]
    assert we_take(rotated)
    assert library_takes(rotated)


def test_a_signature_is_taken_for_five_minutes_before_and_after_and_no_second_longer(now: datetime) -> None:
    for seconds, taken in ((-301, False), (-300, True), (300, True), (301, False)):
        headers = signed(now + timedelta(seconds=seconds))
        assert we_take(headers) is taken, seconds
    # The library goes by a clock that does not stand still: its edges are tried a minute away.
    for seconds, taken in ((-360, False), (-240, True), (240, True), (360, False)):
        headers = signed(now + timedelta(seconds=seconds))
        assert (we_take(headers), library_takes(headers)) == (taken, taken), seconds


def test_a_timestamp_of_other_digits_is_no_timestamp(now: datetime) -> None:
    wanted = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), f"{ID}.².{BODY}".encode(), hashlib.sha256)
    text = f"v1,{base64.b64encode(wanted).decode()}"
    assert not we_take({"svix-id": ID, "svix-timestamp": "²", "svix-signature": text})


def test_every_signature_is_compared_in_constant_time(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def note(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return compare(one, other)

    monkeypatch.setattr("kindling.webhooks.signature.hmac.compare_digest", note)
    right = signed(now)
    rotated = f"{right['svix-signature']} {signed(now, secret=OTHER)['svix-signature']}"
    assert we_take(right | {"svix-signature": rotated})
    assert len(compared) == 2


@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
def test_neither_takes_what_lacks_a_header(now: datetime, name: str) -> None:
    headers = signed(now)
    del headers[name]
    assert not library_takes(headers)
    with pytest.raises(Unauthorized):
        signature.verify(SECRET, headers, BODY.encode())
    # Signed as it stands, without an id: still nothing that could be told apart from its repeat.
    assert not we_take(signed(now, identity=""))
    assert not library_takes(signed(now, identity=""))


def test_neither_takes_what_was_tampered_with(now: datetime) -> None:
    right = signed(now)
    text = right["svix-signature"]
    later = str(int(now.timestamp()) + 1)
    tampered: list[Headers] = [
        right | {"svix-id": "msg_2"},
        right | {"svix-timestamp": later},
        right | {"svix-timestamp": "yesterday"},
        signed(now, secret=OTHER),
        signed(now, body=f"{BODY} "),
        right | {"svix-signature": text.replace("v1,", "v2,")},
        right | {"svix-signature": text.replace("v1,", "v1a,")},
        right | {"svix-signature": text.removeprefix("v1,")},
        right | {"svix-signature": "v1,"},
        right | {"svix-signature": "v1,not base64!"},
        right | {"svix-signature": text[:-3]},
    ]
    for headers in tampered:
        assert (we_take(headers), library_takes(headers)) == (False, False), headers
    assert (we_take(right, f"{BODY} "), library_takes(right, f"{BODY} ")) == (False, False)


def test_we_are_stricter_than_the_library_about_what_a_number_is(now: datetime) -> None:
    text = str(int(now.timestamp()))
    for spelt in (f"{text}.5", f" {text}", text.translate({48 + n: 0x0660 + n for n in range(10)})):
        assert not we_take(signed(now) | {"svix-timestamp": spelt})
    # A text that base64 would read if it dropped what does not belong there.
    loose = signed(now)["svix-signature"]
    assert not we_take(signed(now) | {"svix-signature": f"{loose[:10]}!{loose[10:]}"})


def test_the_library_takes_what_the_sandbox_signs(now: datetime, world: World, steady_clock: Clock) -> None:
    steady_clock.at = now
    sandbox: Sandbox = world.sandbox
    with httpx.Client(
        transport=httpx.MockTransport(sandbox.handle),
        base_url="http://sandbox/v0",
        headers={"Authorization": "Bearer am_us_test"},
    ) as agentmail:
        wanted = {"url": "http://hook.test", "event_types": ["message.sent"]}
        secret = agentmail.post("/webhooks", json=wanted).raise_for_status().json()["secret"]
        agentmail.post("/inboxes", json={"username": "kim"}).raise_for_status()
        address = agentmail.get("/inboxes").json()["inboxes"][0]["inbox_id"]
        agentmail.post(f"/inboxes/{address}/messages/send", json={"to": "ünal@else.test", "text": "Hi"})
    heard: list[httpx.Request] = []

    def hear(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(200)

    sandbox.deliver(hear)
    (request,) = heard
    headers = {name: request.headers[name] for name in ("svix-id", "svix-timestamp", "svix-signature")}
    body = request.content.decode()
    assert json.loads(body)["event_type"] == "message.sent"
    assert (library_takes(headers, body, secret), we_take(headers, body, secret)) == (True, True)
    assert (library_takes(headers, body, OTHER), we_take(headers, body, OTHER)) == (False, False)
    assert not library_takes(headers, body.replace("message.sent", "message.bounced"), secret)
