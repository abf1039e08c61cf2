"""The official SDKs against the sandbox, with validation enabled, in process and over HTTP."""

from collections.abc import Iterator
from typing import Any, TypeVar, get_args

import httpx
import pytest
from agentmail import AgentMail
from agentmail.api_keys.types import CreateApiKeyResponse, CreateBearerApiKeyRequest
from agentmail.core.api_error import ApiError
from agentmail.domains.types.record_status import RecordStatus
from agentmail.domains.types.verification_status import VerificationStatus
from agentmail.environment import AgentMailEnvironment
from agentmail.errors import ConflictError, NotFoundError, UnprocessableError, ValidationError
from agentmail.inboxes.types import CreateInboxRequest
from cloudflare import BadRequestError, Cloudflare, RateLimitError
from cloudflare import NotFoundError as RecordNotFound
from cloudflare.types.dns import RecordResponse
from pydantic import BaseModel

from local.sandbox import Sandbox
from tests.sandbox.resources import as_posts, served

Parsed = TypeVar("Parsed", bound=BaseModel)

UNPUBLISHED = {"organization_id", "pod_id"}
ONCE: Any = {"max_retries": 0}


class Wire:
    """An HTTP client of the sandbox that keeps the last JSON answer."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self.client = client
        self.url = url
        self.last: Any = None
        client.event_hooks = {"response": [self._keep]}

    def _keep(self, response: httpx.Response) -> None:
        if response.read() and "json" in response.headers["content-type"]:
            self.last = response.json()


@pytest.fixture(params=["in process", "over loopback"])
def wire(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[Wire]:
    if request.param == "in process":
        with httpx.Client(transport=httpx.MockTransport(sandbox.handle)) as client:
            yield Wire(client, "http://sandbox")
    else:
        request.getfixturevalue("socket_enabled")
        with served(sandbox) as url, httpx.Client() as client:
            yield Wire(client, url)


@pytest.fixture
def mail(wire: Wire) -> AgentMail:
    environment = AgentMailEnvironment(http=wire.url, websockets=wire.url)
    return AgentMail(environment=environment, api_key="am_us_sdk", httpx_client=wire.client)


@pytest.fixture
def dns(wire: Wire) -> Cloudflare:
    return Cloudflare(
        api_token="cf_sdk",
        base_url=f"{wire.url}/client/v4",
        http_client=wire.client,
        max_retries=0,
        _strict_response_validation=True,
    )


def judged(wire: Wire, parsed: Parsed) -> Parsed:
    """What the SDK parsed without looking, validated by its own model, without unknown fields."""
    validated = type(parsed).model_validate(wire.last)
    assert unknown_fields(validated) == set()
    return validated


def unknown_fields(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for item in value for name in unknown_fields(item)}
    if not isinstance(value, BaseModel):
        return set()
    inner = {name for field in type(value).model_fields for name in unknown_fields(getattr(value, field))}
    return inner | set(value.model_extra or {}) - UNPUBLISHED


def members(open_enum: Any) -> tuple[str, ...]:
    """The strings that an open enum of the SDK names."""
    return get_args(get_args(open_enum)[0])


def set_up(wire: Wire, **settings: Any) -> None:
    wire.client.post(f"{wire.url}/_admin/settings", json=settings).raise_for_status()


def test_agentmail_domains_conform(wire: Wire, mail: AgentMail, dns: Cloudflare) -> None:
    set_up(wire, settle_seconds=0)
    domain = judged(wire, mail.domains.create(domain="acme.example", tracking_enabled=True))
    assert domain.status in members(VerificationStatus)
    assert {record.status for record in domain.records} <= set(members(RecordStatus))
    zone = dns.zones.list(name="acme.example").result[0]
    posts: Any = as_posts([record.model_dump(exclude_none=True) for record in domain.records])
    dns.dns.records.batch(zone_id=zone.id, posts=posts)
    mail.domains.verify("acme.example")
    assert judged(wire, mail.domains.get("acme.example")).status == "VERIFIED"
    assert judged(wire, mail.domains.update("acme.example", tracking_enabled=False)).tracking_enabled is False
    assert [item.domain for item in judged(wire, mail.domains.list(limit=5)).domains] == ["acme.example"]
    assert b"".join(mail.domains.get_zone_file("acme.example")).startswith(b"$ORIGIN acme.example.")
    mail.domains.delete("acme.example")
    with pytest.raises(NotFoundError) as missing:
        mail.domains.get("acme.example")
    assert missing.value.body.code == "not_found"


def test_agentmail_inboxes_conform(wire: Wire, mail: AgentMail) -> None:
    request = CreateInboxRequest(username="kim+a", client_id="acct-1", metadata={"n": 1, "b": True})
    inbox = judged(wire, mail.inboxes.create(request=request))
    assert judged(wire, mail.inboxes.create(request=request)) == inbox
    assert judged(wire, mail.inboxes.get(inbox.inbox_id)) == inbox
    assert judged(wire, mail.inboxes.update(inbox.inbox_id, status="paused")).status == "paused"
    judged(wire, mail.inboxes.create())
    first = judged(wire, mail.inboxes.list(limit=1))
    second = judged(wire, mail.inboxes.list(limit=1, page_token=first.next_page_token))
    assert [item.inbox_id for item in second.inboxes] == [inbox.inbox_id]
    assert second.next_page_token is None
    mail.inboxes.delete(inbox.inbox_id)
    with pytest.raises(ApiError) as burnt:
        mail.inboxes.create(request=CreateInboxRequest(username="kim+a"))
    assert (burnt.value.status_code, burnt.value.body["code"]) == (403, "resource_taken")


def test_agentmail_keys_conform(wire: Wire, mail: AgentMail) -> None:
    address = mail.inboxes.create().inbox_id
    request = CreateBearerApiKeyRequest(name="warmup")
    key = mail.inboxes.api_keys.create(address, request=request)
    assert isinstance(key, CreateApiKeyResponse)
    assert judged(wire, key).api_key.startswith("am_us_")
    listed = judged(wire, mail.inboxes.api_keys.list(address)).api_keys
    assert [item.model_dump()["api_key_id"] for item in listed] == [key.api_key_id]
    mail.inboxes.api_keys.delete(address, key.api_key_id)
    assert judged(wire, mail.inboxes.api_keys.list(address)).count == 0


def test_agentmail_messages_conform(wire: Wire, mail: AgentMail) -> None:
    address = mail.inboxes.create().inbox_id
    messages = mail.inboxes.messages
    sent = judged(wire, messages.send(address, to="you@else.test", text="Hi", idempotency_key="key-1"))
    again = messages.send(address, to="you@else.test", text="Hi", idempotency_key="key-1")
    assert again == sent
    with pytest.raises(ConflictError):
        messages.send(address, to="they@else.test", idempotency_key="key-1", request_options=ONCE)
    listed = judged(wire, messages.list(address)).messages
    assert [item.message_id for item in listed] == [sent.message_id]
    assert judged(wire, messages.get(address, sent.message_id)).text == "Hi"
    with pytest.raises(ValidationError) as refused:
        messages.send(address, text="to nobody")
    assert refused.value.body.errors[0]["path"] == ["to"]


def test_agentmail_webhooks_conform(wire: Wire, mail: AgentMail) -> None:
    webhook = judged(wire, mail.webhooks.create(url="https://else.test", event_types=["message.sent"]))
    changed = mail.webhooks.update(webhook.webhook_id, enabled=False, add_inbox_ids=["kim@agentmail.to"])
    assert judged(wire, changed).inbox_ids == ["kim@agentmail.to"]
    assert [item.enabled for item in judged(wire, mail.webhooks.list()).webhooks] == [False]
    mail.webhooks.delete(webhook.webhook_id)
    with pytest.raises(NotFoundError):
        mail.webhooks.get(webhook.webhook_id)


def test_agentmail_refusals_are_the_errors_that_the_sdk_knows(wire: Wire, mail: AgentMail) -> None:
    fault = {"provider": "agentmail", "method": "POST", "path": "/v0/domains*", "fault": "refuse"}
    wire.client.post(f"{wire.url}/_admin/faults", json={**fault, "status": 422}).raise_for_status()
    with pytest.raises(UnprocessableError) as refused:
        mail.domains.verify("acme.example")
    assert refused.value.body.name == "UnprocessableError"


def test_cloudflare_zones_conform(dns: Cloudflare) -> None:
    assert dns.user.tokens.verify().status == "active"  # type: ignore[union-attr]
    names = [f"z{number}.example" for number in range(3)]
    for name in names:
        assert [zone.name for zone in dns.zones.list(name=name)] == [name]
    assert [zone.name for zone in dns.zones.list(per_page=2)] == names
    assert [zone.name for zone in dns.zones.list(name="external-acme.example")] == []
    zone = dns.zones.list(name="z0.example").result[0]
    assert dns.zones.get(zone_id=zone.id) == zone


def test_cloudflare_records_conform(dns: Cloudflare) -> None:
    zone_id = dns.zones.list(name="acme.example").result[0].id
    records = dns.dns.records
    mx = records.create(zone_id=zone_id, type="MX", name="acme.example", content="mx.else.test", priority=10, ttl=1)
    assert shown(mx)["priority"] == 10
    text = '"v=spf1 -all"'
    spf = records.create(zone_id=zone_id, type="TXT", name="acme.example", content=text, ttl=60, comment="kindling:1")
    assert shown(spf)["content"] == text
    found = records.list(zone_id=zone_id, name={"exact": "acme.example"}, type="TXT", per_page=1)
    assert [record.id for record in found if record] == [shown(spf)["id"]]
    ours = records.list(zone_id=zone_id, comment={"startswith": "kindling:"})
    assert [record.id for record in ours if record] == [shown(spf)["id"]]
    assert len(list(records.list(zone_id=zone_id, per_page=1))) == 2
    record_id = shown(mx)["id"]
    edited = records.edit(
        record_id, zone_id=zone_id, type="MX", name="acme.example", content="mx.else.test", priority=5, ttl=1
    )
    assert shown(edited)["priority"] == 5
    updated = records.update(
        record_id, zone_id=zone_id, type="MX", name="acme.example", content="b.else.test", priority=1, ttl=1
    )
    assert shown(updated)["content"] == "b.else.test"
    assert shown(records.get(record_id, zone_id=zone_id)) == shown(updated)
    deleted = records.delete(record_id, zone_id=zone_id)
    assert deleted is not None
    assert deleted.id == record_id
    with pytest.raises(RecordNotFound) as missing:
        records.delete(record_id, zone_id=zone_id)
    assert [error.code for error in missing.value.errors] == [81044]


def test_cloudflare_batches_conform(dns: Cloudflare) -> None:
    zone_id = dns.zones.list(name="acme.example").result[0].id
    post: Any = {"type": "TXT", "name": "acme.example", "content": '"one"', "ttl": 1}
    made = dns.dns.records.batch(zone_id=zone_id, posts=[post])
    assert made is not None
    assert made.posts is not None
    one = made.posts[0].id
    long: Any = {**post, "content": '"' + "x" * 300 + '"'}
    second = dns.dns.records.batch(zone_id=zone_id, deletes=[{"id": one}], posts=[long])
    assert second is not None
    assert second.deletes is not None
    assert [record.id for record in second.deletes] == [one]
    with pytest.raises(BadRequestError) as clash:
        dns.dns.records.batch(zone_id=zone_id, posts=[post, post])
    assert [error.code for error in clash.value.errors] == [81058]
    contents = [shown(record)["content"] for record in dns.dns.records.list(zone_id=zone_id)]
    assert contents == ['"' + "x" * 255 + '" "' + "x" * 45 + '"']


def test_cloudflare_rate_limits_conform(wire: Wire, dns: Cloudflare) -> None:
    fault = {"provider": "cloudflare", "method": "GET", "path": "/client/v4/zones", "fault": "rate_limit"}
    wire.client.post(f"{wire.url}/_admin/faults", json={**fault, "seconds": 5}).raise_for_status()
    with pytest.raises(RateLimitError) as limited:
        dns.zones.list(name="acme.example")
    assert limited.value.response.headers["retry-after"] == "5"
    assert [error.code for error in limited.value.errors] == [971]


def shown(record: RecordResponse | None) -> dict[str, Any]:
    assert record is not None
    return record.to_dict()
