"""Events in the local cloud: from a change in the table, by its stream and a queue, to a receiver and back."""

import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.harness.receiver import Receiver, receiving
from tests.system.conftest import GROUP, Local

pytestmark = [pytest.mark.system, GROUP]
SECONDS = 60


def until(reached: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + SECONDS
    while not reached() and time.monotonic() < ends_at:
        time.sleep(0.2)
    assert reached()


def test_a_change_reaches_a_receiver_that_fails_at_first(local: Local) -> None:
    with receiving() as receiver:
        receiver.answers = [500]
        made = local.api.post("/v1/webhooks", json={"url": f"{receiver.url}/hook", "events": ["suppression.created"]})
        assert made.status_code == 201, made.text
        webhook, secret = made.json()["webhook"]["id"], made.json()["secret"]
        email = f"{uuid.uuid4().hex[:8]}@example.com"
        assert local.api.post("/v1/suppressions", json={"email": email}).status_code == 201
        until(lambda: len(receiver.requests) == 2)
        _is_told(receiver, secret, email)
        path = f"/v1/webhooks/{webhook}/deliveries"
        until(lambda: local.api.get(path).json()["deliveries"][0]["status"] == "succeeded")
        assert local.api.delete(f"/v1/webhooks/{webhook}").status_code == 200


def _is_told(receiver: Receiver, secret: str, email: str) -> None:
    for request in receiver.requests:
        told = json.loads(request.body)
        assert (told["type"], told["data"]["email"]) == ("suppression.created", email)
        # Other tests may have moved the clock of the local cloud, so that the time is not now.
        sent_at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
        wanted = Webhook(secret).sign(msg_id=told["id"], timestamp=sent_at, data=request.body.decode())
        assert request.headers["webhook-signature"] == wanted
