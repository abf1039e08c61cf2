"""Webhooks of tenants: what changes is told, signed, in any trouble, and to nobody else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks.webhooks
from boto3.dynamodb.conditions import Attr
from standardwebhooks import Webhook, WebhookVerificationError

from kindling.events.model import PATIENCE, RETRIES, is_exhausted
from kindling.platform import aws
from kindling.platform.settings import settings
from tests.conftest import Kindling
from tests.functions.api.test_warming import act
from tests.harness.lambdas import Api, invoke
from tests.harness.receiver import Received, Receiver, receiving
from tests.harness.stream import Stream, followed

pytestmark = pytest.mark.usefixtures("socket_enabled")
WEBHOOKS = "/v1/webhooks"


@pytest.fixture
def receiver(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("LOOPBACK_WEBHOOKS", "allow")
    settings.cache_clear()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:  # noqa: ARG003
            return kindling.clock.at

    # The judge's clock is that of the test.
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", Clock)
    with receiving() as one:
        yield one


@pytest.fixture
def stream(receiver: Receiver) -> Iterator[Stream]:
    with followed() as one:
        yield one


def create(api: Api, url: str, **more: Any) -> tuple[str, str]:
    """The id and the secret of a new webhook."""
    reply = api.post(WEBHOOKS, {"url": url, **more})
    assert reply.status == 201, reply.body
    return reply.body["webhook"]["id"], reply.body["secret"]


def suppress(kindling: Kindling, stream: Stream, user: str = "pat") -> None:
    """One change, published."""
    assert kindling.api.post("/v1/suppressions", {"email": f"{user}@example.com"}).status == 201
    stream.publish()


def deliver() -> None:
    """Bring every pending delivery's message, due or not, as often as SQS might."""
    found = aws.table().scan(FilterExpression=Attr("sk").begins_with("DELIVERY#") & Attr("status").eq("pending"))
    bodies = [json.dumps({"pk": item["pk"], "sk": item["sk"]}) for item in found["Items"]]
    for body in bodies:
        records = [{"messageId": "1", "body": body, "eventSource": "aws:sqs"}] * 2
        assert invoke("DeliverEventsFunction", {"Records": records}) == {"batchItemFailures": []}


def deliveries(kindling: Kindling, webhook_id: str, **query: str) -> Any:
    return kindling.api.get(f"{WEBHOOKS}/{webhook_id}/deliveries", **query).body["deliveries"]


def verified(secret: str, request: Received) -> Any:
    """What a receiver with the official library reads."""
    return Webhook(secret).verify(request.body, request.headers)


def test_a_pause_is_told_and_its_signature_is_what_the_official_library_wants(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    domain = kindling.verified_domain()
    stream.take()
    _, secret = create(kindling.api, f"{receiver.url}/hook?a=b", events=["warming.paused"])
    assert act(kindling, "pause", reason="holiday").status == 200
    assert stream.publish() == {"events": 1, "deliveries": 1}
    assert kindling.work("DeliverEventsFunction", "deliveries") == []
    (request,) = receiver.requests
    told = verified(secret, request)
    assert (request.path, request.headers["content-type"]) == ("/hook?a=b", "application/json")
    assert set(told) == {"id", "type", "created_at", "subject", "sequence", "data"}
    assert (told["type"], told["subject"]) == ("warming.paused", f"warming/{domain['id']}")
    assert told["id"] == request.headers["webhook-id"]
    assert told["data"]["from_phase"] == "phase_1"
    assert (told["data"]["reason"], told["data"]["triggered_by"]) == ("holiday", "api")
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(request.body + b" ", request.headers)


def test_a_domain_and_an_account_tell_their_lives_in_the_order_of_their_sequences(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    create(kindling.api, receiver.url, events=["domain.*", "account.*"])
    account = kindling.account("kim", kindling.verified_domain())
    kindling.world.set(warmup_states={account["email_address"]: -1})
    kindling.api.get("/api/email/accounts/warmup-analytics")
    assert kindling.api("DELETE", f"/api/email/accounts/{account['id']}").status == 200
    stream.publish()
    deliver()
    told = [json.loads(request.body) for request in receiver.requests]
    for kind in ("domain", "account"):
        of_kind = sorted((e for e in told if e["subject"].startswith(kind)), key=lambda e: e["sequence"])
        names = [event["type"].partition(".")[2] for event in of_kind]
        lives = {
            "domain": ["created", "verified"],
            "account": ["created", "banned", "deleted"],
        }
        assert names == lives[kind]
        assert len({event["sequence"] for event in of_kind}) == len(of_kind)
    (banned,) = (event for event in told if event["type"] == "account.banned")
    assert (banned["data"]["previous"], banned["data"]["status"]) == ("warming", "error")


def test_a_webhook_is_sent_only_what_it_asked_for_and_only_of_its_own_tenant(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    wanted, _ = create(kindling.api, f"{receiver.url}/wanted", events=["suppression.created"])
    create(kindling.api, f"{receiver.url}/other", events=["domain.*", "suppression.deleted"])
    foreign, _ = create(kindling.other, f"{receiver.url}/foreign")
    suppress(kindling, stream)
    deliver()
    assert [request.path for request in receiver.requests] == ["/wanted"]
    assert len(deliveries(kindling, wanted)) == 1
    for method, path in (("GET", "/deliveries"), ("POST", "/rotate"), ("POST", "/replay"), ("DELETE", "")):
        assert kindling.api(method, f"{WEBHOOKS}/{foreign}{path}").status == 404


def test_a_change_that_is_brought_again_is_delivered_once(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    assert kindling.api.post("/v1/suppressions", {"email": "pat@example.com"}).status == 201
    records = stream.take()
    for _ in range(2):
        assert invoke("PublishChangesFunction", {"Records": records})["deliveries"] == 1
    deliver()
    invoke("PublishChangesFunction", {"Records": records})
    deliver()
    assert len(receiver.requests) == len(deliveries(kindling, webhook_id)) == 1


def test_a_record_that_nobody_understands_holds_up_no_other(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    create(kindling.api, receiver.url)
    assert kindling.api.post("/v1/suppressions", {"email": "pat@example.com"}).status == 201
    records = [{"dynamodb": {"Keys": {}}}, *stream.take()]
    assert invoke("PublishChangesFunction", {"Records": records}) == {"events": 1, "deliveries": 1}


def test_a_failed_delivery_is_repeated_after_each_pause_of_the_schedule_and_not_before(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, secret = create(kindling.api, receiver.url)
    receiver.answers = [500] * len(RETRIES)
    suppress(kindling, stream)
    deliver()
    for n, pause in enumerate(RETRIES, start=1):
        assert len(receiver.requests) == n
        kindling.clock.at += pause - timedelta(milliseconds=1)
        deliver()
        assert len(receiver.requests) == n
        kindling.clock.at += timedelta(milliseconds=1)
        deliver()
    (delivery,) = deliveries(kindling, webhook_id)
    assert (delivery["status"], delivery["attempts"], delivery["last_error"]) == ("succeeded", 8, None)
    assert len({request.body for request in receiver.requests}) == 1
    assert verified(secret, receiver.requests[-1])["id"] == delivery["id"]
    assert kindling.api.get(WEBHOOKS).body["webhooks"][0]["failing_since"] is None


def test_after_the_last_attempt_a_delivery_has_failed_and_can_be_replayed(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    receiver.answers = [500] * 8
    suppress(kindling, stream)
    deliver()
    for pause in RETRIES:
        kindling.clock.at += pause
        deliver()
    (delivery,) = deliveries(kindling, webhook_id, status="failed")
    assert (delivery["response_status"], delivery["next_attempt_at"]) == (500, None)
    assert delivery["last_error"].startswith("It answered 500: answered answered")
    assert len(delivery["last_error"]) < 300
    reply = kindling.api.post(f"{WEBHOOKS}/{webhook_id}/replay")
    assert (reply.status, reply.body["replayed"], reply.body["more"]) == (202, 1, False)
    deliver()
    assert [one["status"] for one in deliveries(kindling, webhook_id)] == ["succeeded"]
    assert receiver.requests[0].headers["webhook-id"] == receiver.requests[-1].headers["webhook-id"]


def test_a_redirect_is_a_failure_and_is_not_followed(kindling: Kindling, receiver: Receiver, stream: Stream) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    receiver.answers, receiver.location = [302], f"{receiver.url}/elsewhere"
    suppress(kindling, stream)
    deliver()
    assert [request.path for request in receiver.requests] == ["/"]
    assert deliveries(kindling, webhook_id)[0]["last_error"].startswith("It answered 302")


def test_a_receiver_that_is_down_costs_no_event_and_no_other_receiver(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    create(kindling.api, "http://127.0.0.1:1/down", events=["suppression.*"])
    create(kindling.api, receiver.url)
    for user in ("pat", "kim", "lee"):
        suppress(kindling, stream, user)
    deliver()
    assert len(receiver.requests) == 3
    (down,) = (w["id"] for w in kindling.api.get(WEBHOOKS).body["webhooks"] if w["webhook_url"].endswith("/down"))
    waiting = deliveries(kindling, down)
    assert {one["status"] for one in waiting} == {"pending"}
    # The one that was tried spares the others an attempt.
    assert sorted(one["attempts"] for one in waiting) == [0, 0, 1]


def test_five_days_of_failures_are_enough_to_the_millisecond() -> None:
    since = datetime(2026, 3, 1, tzinfo=UTC)
    assert is_exhausted(since, since + timedelta(days=5))
    assert not is_exhausted(since, since + timedelta(days=5, milliseconds=-1))


def test_a_webhook_that_fails_for_five_days_is_disabled_told_elsewhere_and_keeps_its_events(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    dead, _ = create(kindling.api, f"{receiver.url}/dead", events=["suppression.*", "webhook.*"])
    receiver.answers = [500, 500, 500]
    suppress(kindling, stream, "pat")
    deliver()
    kindling.clock.at += PATIENCE - timedelta(milliseconds=1)
    deliver()
    enabled = {w["id"]: w["enabled"] for w in kindling.api.get(WEBHOOKS).body["webhooks"]}
    assert enabled == {dead: True}
    create(kindling.api, f"{receiver.url}/notices", events=["webhook.disabled"])
    kindling.clock.at += timedelta(minutes=5)
    deliver()
    stream.publish()
    deliver()
    assert [request.path for request in receiver.requests] == ["/dead"] * 3 + ["/notices"]
    notice = json.loads(receiver.requests[-1].body)
    assert (notice["type"], notice["data"]["id"]) == ("webhook.disabled", dead)
    suppress(kindling, stream, "kim")
    kindling.clock.at += timedelta(minutes=30)
    deliver()
    assert {one["status"] for one in deliveries(kindling, dead)} == {"held"}
    assert len(receiver.requests) == 4
    replayed = kindling.api.post(f"{WEBHOOKS}/{dead}/replay").body
    assert (replayed["replayed"], replayed["webhook"]["enabled"], replayed["webhook"]["failing_since"]) == (
        2,
        True,
        None,
    )
    deliver()
    assert [request.path for request in receiver.requests[4:]] == ["/dead"] * 2
    assert {one["status"] for one in deliveries(kindling, dead)} == {"succeeded"}


def test_a_delivery_that_was_taken_is_sent_again_when_it_is_named(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    suppress(kindling, stream)
    deliver()
    (delivery,) = deliveries(kindling, webhook_id)
    path = f"{WEBHOOKS}/{webhook_id}/replay"
    assert kindling.api.post(path).body["replayed"] == 0
    assert kindling.api.post(path, {"delivery_id": delivery["id"]}).body["replayed"] == 1
    deliver()
    assert len(receiver.requests) == 2
    assert kindling.api.post(path, {"delivery_id": "nothing"}).status == 404


def test_a_delivery_whose_message_was_lost_is_found_by_a_replay_after_an_hour(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    suppress(kindling, stream)
    path = f"{WEBHOOKS}/{webhook_id}/replay"
    kindling.clock.at += timedelta(hours=1) - timedelta(milliseconds=1)
    assert kindling.api.post(path).body["replayed"] == 0
    kindling.clock.at += timedelta(milliseconds=1)
    assert kindling.api.post(path, {"since": kindling.clock.at.isoformat()}).body["replayed"] == 0
    assert kindling.api.post(path).body["replayed"] == 1


def test_for_the_overlap_of_a_rotation_both_secrets_verify_and_then_the_new_one_alone(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, old = create(kindling.api, receiver.url)
    rotated = kindling.api.post(f"{WEBHOOKS}/{webhook_id}/rotate", Idempotency_Key="r1").body
    again = kindling.api.post(f"{WEBHOOKS}/{webhook_id}/rotate", Idempotency_Key="r1").body
    assert old != rotated["secret"] == again["secret"]
    suppress(kindling, stream, "pat")
    kindling.clock.at += timedelta(hours=24) - timedelta(milliseconds=1)
    deliver()
    for secret in (old, rotated["secret"]):
        verified(secret, receiver.requests[0])
    kindling.clock.at += timedelta(milliseconds=1)
    suppress(kindling, stream, "kim")
    deliver()
    verified(rotated["secret"], receiver.requests[1])
    with pytest.raises(WebhookVerificationError):
        verified(old, receiver.requests[1])


def test_a_replaced_secret_of_the_deployment_signs_nothing_until_the_webhook_is_rotated(
    kindling: Kindling, receiver: Receiver, stream: Stream
) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    aws.secrets().put_secret_value(SecretId=settings().deployment_secret, SecretString="another" * 9)
    aws._secrets.clear()
    suppress(kindling, stream)
    deliver()
    assert receiver.requests == []
    assert "was replaced" in deliveries(kindling, webhook_id)[0]["last_error"]
    secret = kindling.api.post(f"{WEBHOOKS}/{webhook_id}/rotate", {"overlap_hours": 0}).body["secret"]
    kindling.clock.advance(minutes=1)
    deliver()
    verified(secret, receiver.requests[0])


def test_a_secret_is_shown_to_its_request_and_its_repeat_and_stands_in_no_row_and_no_list(
    kindling: Kindling, receiver: Receiver
) -> None:
    body = {"url": receiver.url}
    first, second = (kindling.api.post(WEBHOOKS, body, Idempotency_Key="c1").body for _ in range(2))
    assert first == second
    assert kindling.api.post(WEBHOOKS, {**body, "style": "chat"}, Idempotency_Key="c1").status == 422
    assert first["secret"] not in json.dumps(aws.table().scan()["Items"], default=str)
    assert "secret" not in kindling.api.get(WEBHOOKS).body["webhooks"][0]
    kindling.clock.advance(hours=24)
    assert kindling.api.post(WEBHOOKS, body, Idempotency_Key="c1").body["secret"] == first["secret"]
    kindling.clock.advance(milliseconds=1)
    assert kindling.api.post(WEBHOOKS, body, Idempotency_Key="c1").status == 409


def test_a_chat_is_sent_a_sentence(kindling: Kindling, receiver: Receiver, stream: Stream) -> None:
    create(kindling.api, receiver.url, style="chat")
    suppress(kindling, stream)
    deliver()
    assert json.loads(receiver.requests[0].body) == {"text": "pat@example.com is suppressed: manual."}


def test_a_deleted_webhook_is_sent_nothing_any_more(kindling: Kindling, receiver: Receiver, stream: Stream) -> None:
    webhook_id, _ = create(kindling.api, receiver.url)
    suppress(kindling, stream)
    assert kindling.api("DELETE", f"{WEBHOOKS}/{webhook_id}").status == 200
    assert kindling.api("DELETE", f"{WEBHOOKS}/{webhook_id}").status == 404
    deliver()
    assert receiver.requests == []


def test_a_tenant_has_twenty_webhooks_at_most(kindling: Kindling, receiver: Receiver) -> None:
    for _ in range(20):
        create(kindling.api, receiver.url)
    assert kindling.api.post(WEBHOOKS, {"url": receiver.url}).status == 409


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://example.com/hook"},
        {"url": "ftp://example.com/hook"},
        {"url": "https://user:word@example.com/"},
        {"url": "https://example.com/#part"},
        {"url": "https://exämple.com/"},
        {"url": "https://10.0.0.1/"},
        {"url": "https://[::ffff:169.254.169.254]/"},
        {"url": "https://example.com:99999/"},
        {"url": f"https://example.com/{'a' * 2048}"},
        {"url": "https://example.com/", "events": []},
        {"url": "https://example.com/", "events": ["email.received"]},
        {"url": "https://example.com/", "style": "xml"},
        {},
    ],
)
def test_a_webhook_that_nothing_could_be_sent_to_is_refused(kindling: Kindling, body: dict[str, Any]) -> None:
    assert kindling.api.post(WEBHOOKS, body).status == 400


def test_without_the_setting_of_the_local_cloud_this_machine_is_no_receiver(kindling: Kindling) -> None:
    for url in ("http://127.0.0.1:8080/", "https://127.0.0.1/", "http://localhost/"):
        assert kindling.api.post(WEBHOOKS, {"url": url}).status == 400
    assert kindling.api.post(WEBHOOKS, {"url": "https://example.com/"}).status == 201


def test_webhooks_need_an_admins_live_key_and_are_seen_by_all(kindling: Kindling) -> None:
    body = {"url": "https://example.com/"}
    assert kindling.reader.post(WEBHOOKS, body).status == 403
    assert kindling.test_api.post(WEBHOOKS, body).status == 403
    webhook_id = create(kindling.api, **body)[0]
    assert (
        kindling.reader.get(WEBHOOKS).status == kindling.reader.get(f"{WEBHOOKS}/{webhook_id}/deliveries").status == 200
    )
