"""Events on the stack's bus: the same as webhooks are sent, at least once, whatever becomes of either."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from kindling.errors import StoreUnavailable
from kindling.events.model import NAMES
from kindling.platform import aws, bus
from kindling.platform.bus import Notice
from kindling.platform.settings import settings
from local import event_schema
from tests.conftest import Kindling
from tests.functions.api.test_warming import act
from tests.harness.bus import Heard, listening
from tests.harness.lambdas import invoke
from tests.harness.stream import Stream, followed

SUPPRESSIONS, WEBHOOKS = "/v1/suppressions", "/v1/webhooks"
AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture
def stream(kindling: Kindling) -> Iterator[Stream]:
    assert kindling.arns
    with followed() as one:
        yield one


@pytest.fixture
def heard(cloud: None) -> Iterator[Heard]:
    with listening(source=["kindling"]) as one:
        yield one


class Answers:
    """Puts on the bus, each with the codes that EventBridge answers for its entries before it answers well."""

    def __init__(self, *codes: list[str]) -> None:
        self.sizes: list[int] = []
        self._codes = list(codes)

    def alter(self, parsed: Any, **_: Any) -> None:
        entries = parsed["Entries"]
        self.sizes.append(len(entries))
        for entry, code in zip(entries, self._codes.pop(0) if self._codes else [], strict=False):
            entry |= {"ErrorCode": code} if code else {}


@pytest.fixture
def answers() -> Iterator[Answers]:
    one, events = Answers(), aws.eventbridge().meta.events
    events.register("after-call.events.PutEvents", one.alter)
    yield one
    events.unregister("after-call.events.PutEvents", one.alter)


def suppress(kindling: Kindling, *users: str) -> None:
    for user in users:
        assert kindling.api.post(SUPPRESSIONS, {"email": f"{user}@example.com"}).status == 201


def payloads(kindling: Kindling) -> list[Any]:
    """What webhooks are to be sent."""
    found = aws.table().scan(FilterExpression=Attr("sk").begins_with("DELIVERY#"))["Items"]
    assert {item["user_id"] for item in found} == {kindling.user_id}
    return [json.loads(str(item["payload"])) for item in found]


def test_an_event_reaches_a_rules_target_with_the_body_that_webhooks_are_sent_and_its_tenant(
    kindling: Kindling, stream: Stream
) -> None:
    domain = kindling.verified_domain()
    stream.take()
    kindling.api.post(WEBHOOKS, {"url": "https://hooks.invalid/"})
    with listening(source=["kindling"], detail_type=["warming.paused"]) as heard:
        suppress(kindling, "pat")
        assert act(kindling, "pause", reason="holiday").status == 200
        records = stream.take()
        assert invoke("AnnounceChangesFunction", {"Records": records}) == {"events": 2}
        (event,) = heard.take()
    assert (event["source"], event["detail-type"]) == ("kindling", "warming.paused")
    assert event["time"] == "2026-03-01T09:00:30Z"
    assert event["detail"]["data"]["domain_id"] == domain["id"]
    assert invoke("PublishChangesFunction", {"Records": records})["deliveries"] == 2
    (sent,) = (one for one in payloads(kindling) if one["type"] == "warming.paused")
    assert event["detail"] == {**sent, "user_id": kindling.user_id}


def test_events_are_as_the_schema_in_docs_says_which_is_made_of_the_code(
    kindling: Kindling, stream: Stream, heard: Heard
) -> None:
    assert event_schema.FILE.read_text() == event_schema.text(), "run 'make openapi'"
    account = kindling.account("kim", kindling.verified_domain())
    suppress(kindling, "pat")
    act(kindling, "pause")
    assert kindling.api("DELETE", f"/api/email/accounts/{account['id']}").status == 200
    invoke("AnnounceChangesFunction", {"Records": stream.take()})
    schema = json.loads(event_schema.text())
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    told = [event["detail"] for event in heard.take()]
    assert {event["type"].partition(".")[0] for event in told} >= {"domain", "account", "operation", "suppression"}
    shown = [set(one["then"]["properties"]["data"]["properties"]) for one in schema["allOf"]]
    fields = dict(zip(NAMES, shown, strict=True))
    for event in told:
        check.validate(event)
        assert set(event["data"]) <= fields[event["type"].partition(".")[0]]
    assert not check.is_valid({**told[0], "type": "domain.sold"})
    assert not check.is_valid({**told[0], "subject": "key/1"})


def test_what_eventbridge_does_not_take_is_put_again_and_nothing_else(
    kindling: Kindling, stream: Stream, heard: Heard, answers: Answers
) -> None:
    suppress(kindling, "kim", "lee", "pat")
    answers._codes[:] = [["", "ThrottlingException", "InternalFailure"], ["", "AccessDeniedException"]]
    assert invoke("AnnounceChangesFunction", {"Records": stream.take()}) == {"events": 3}
    assert answers.sizes == [3, 2, 1]
    assert {event["detail"]["data"]["email"].partition("@")[0] for event in heard.take()} == {"kim", "lee", "pat"}


def test_an_event_that_eventbridge_will_never_take_keeps_no_other_waiting(
    kindling: Kindling, stream: Stream, heard: Heard, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    suppress(kindling, "kim", "lee", "pat")
    answers._codes[:] = [["InvalidArgument", "MalformedDetail", "RedactionFailure"]]
    assert invoke("AnnounceChangesFunction", {"Records": stream.take()}) == {"events": 3}
    assert (answers.sizes, len(heard.take())) == ([3], 3)
    assert [record.message for record in caplog.records].count("event refused by the bus") == 3


def test_a_bus_that_takes_nothing_is_tried_four_times_and_then_again_later_while_webhooks_are_told(
    kindling: Kindling, stream: Stream, heard: Heard, answers: Answers
) -> None:
    kindling.api.post(WEBHOOKS, {"url": "https://hooks.invalid/", "events": ["suppression.*"]})
    suppress(kindling, "pat")
    records = stream.take()
    answers._codes[:] = [["ThrottlingException"]] * 4
    with pytest.raises(StoreUnavailable):
        invoke("AnnounceChangesFunction", {"Records": records})
    assert answers.sizes == [1] * 4
    assert invoke("PublishChangesFunction", {"Records": records}) == {"events": 1, "deliveries": 1}
    # Lambda brings the same records again.
    heard.take()
    assert invoke("AnnounceChangesFunction", {"Records": records}) == {"events": 1}
    assert [event["detail"]["id"] for event in heard.take()] == [one["id"] for one in payloads(kindling)]


def test_webhooks_whose_queue_takes_nothing_keep_no_event_from_the_bus(
    kindling: Kindling, stream: Stream, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.api.post(WEBHOOKS, {"url": "https://hooks.invalid/", "events": ["suppression.*"]})
    suppress(kindling, "pat")
    records = stream.take()
    url = settings().deliveries_queue_url
    monkeypatch.setenv("DELIVERIES_QUEUE_URL", f"{url}-gone")
    settings.cache_clear()
    with pytest.raises(StoreUnavailable):
        invoke("PublishChangesFunction", {"Records": records})
    assert invoke("AnnounceChangesFunction", {"Records": records}) == {"events": 1}
    assert len(heard.take()) == 1


def test_a_bus_that_is_gone_is_an_error_of_aws(cloud: None) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        bus.put([Notice("domain.created", AT, "{}")])
    assert isinstance(raised.value.__cause__, ClientError)


@pytest.mark.parametrize(("number", "puts"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (20, [10, 10])])
def test_ten_events_are_put_at_once(heard: Heard, answers: Answers, number: int, puts: list[int]) -> None:
    bus.put([Notice("domain.created", AT, "{}")] * number)
    assert (answers.sizes, len(heard.take())) == (puts, number)


@pytest.mark.parametrize(("more", "puts"), [(0, [2]), (1, [1, 1])])
def test_what_is_put_at_once_has_256_kib(heard: Heard, answers: Answers, more: int, puts: list[int]) -> None:
    # 14 bytes for the time, 8 for the source, 14 for the type.
    half = 128 * 1024 - 36
    details = [json.dumps({"a": "x" * (half - 9)}), json.dumps({"a": "x" * (half - 9 + more)})]
    assert len(details[0]) == half
    bus.put([Notice("domain.created", AT, detail) for detail in details])
    assert (answers.sizes, len(heard.take())) == (puts, 2)
