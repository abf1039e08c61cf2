"""Deliveries of one webhook and of all: each once, newest first, in pages, of the tenant alone."""

import itertools
from typing import Any

import pytest

from kindling.events import store
from kindling.events.model import Delivery, DeliveryStatus, ListDeliveries
from kindling.platform import clock, table
from kindling.platform.table import Item
from tests.conftest import Kindling
from tests.functions.api.test_paging import pages, sizes
from tests.functions.api.test_send import is_refused

ALL, WEBHOOKS = "/v1/webhook-deliveries", "/v1/webhooks"


def webhook(kindling: Kindling, number: int) -> str:
    reply = kindling.api.post(WEBHOOKS, {"url": f"https://hooks.invalid/{number}"})
    webhook_id: str = reply.body["webhook"]["id"]
    return webhook_id


def delivery(kindling: Kindling, webhook_id: str, event_id: str, **changes: Any) -> None:
    now = clock.timestamp()
    kinds = {"event_type": "domain.created", "payload": "{}", "next_attempt_at": now, "created_at": now}
    about = {"id": event_id, "user_id": kindling.user_id, "webhook_id": webhook_id}
    store.add(Delivery.model_validate(about | kinds | changes))


def shown(kindling: Kindling, path: str, **query: str) -> list[tuple[str, str]]:
    read = [row for reply in pages(kindling, path, **query) for row in reply.body["deliveries"]]
    return [(row["webhook_id"], row["id"]) for row in read]


def test_the_deliveries_of_all_webhooks_are_one_list_of_which_no_page_skips_or_repeats_any(kindling: Kindling) -> None:
    ids = [webhook(kindling, number) for number in range(3)]
    made = []
    # An event to all of them at one instant, then one to some, and three events of one instant in no order.
    events = (("a", ids, 1), ("b", ids[:1], 1), ("d", ids[1:], 0), ("c", ids, 0), ("f", ids[2:], 1), ("e", ids, 0))
    for event, wanted, seconds in events:
        for webhook_id in wanted:
            delivery(kindling, webhook_id, event)
            made.append((clock.timestamp(), f"DELIVERY#{webhook_id}#{event}", (webhook_id, event)))
        kindling.clock.advance(seconds=seconds)
    newest = [one for *_, one in sorted(made, reverse=True)]
    assert len(newest) == 13
    assert shown(kindling, ALL) == newest
    for limit in range(1, 15):
        assert shown(kindling, ALL, limit=str(limit)) == newest
    assert sizes(kindling, ALL, "deliveries", limit="5") == [5, 5, 3]
    assert sizes(kindling, ALL, "deliveries", limit="13") == [13]
    # Those of one webhook are the same ones, in the same order.
    for webhook_id, most in itertools.product(ids, ("1", "2", "9")):
        own = [one for one in newest if one[0] == webhook_id]
        assert shown(kindling, f"{WEBHOOKS}/{webhook_id}/deliveries", limit=most) == own


def test_a_list_shows_one_status_and_neither_another_tenants_nor_those_of_a_deleted_webhook(kindling: Kindling) -> None:
    kept, deleted = webhook(kindling, 1), webhook(kindling, 2)
    assert shown(kindling, ALL) == []
    for webhook_id in (kept, deleted):
        for status in DeliveryStatus:
            delivery(kindling, webhook_id, status, status=status)
    assert sorted(shown(kindling, ALL, status="held", limit="1")) == sorted([(kept, "held"), (deleted, "held")])
    assert kindling.other.get(ALL).body == {"deliveries": []}
    assert kindling.api("DELETE", f"{WEBHOOKS}/{deleted}").status == 200
    assert shown(kindling, ALL, status="failed") == [(kept, "failed")]
    is_refused(kindling.api.get(ALL, status="lost"), 400, "invalid_request")
    is_refused(kindling.api.get(ALL, cursor="x"), 400, "invalid_request")


def test_no_page_reads_more_than_2000_deliveries(kindling: Kindling, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery(kindling, "w", "e")
    (item,) = table.owned(f"{kindling.user_id}#delivery#w")
    items: list[Item] = [item] * 2001
    monkeypatch.setattr(store, "_newest_first", lambda *_: iter(items))
    query = ListDeliveries(status=DeliveryStatus.FAILED)
    page = store.page_of_deliveries(kindling.user_id, ["w"], query)
    assert (page.rows, page.next_cursor is not None) == ([], True)
    items.pop()
    assert store.page_of_deliveries(kindling.user_id, ["w"], query).next_cursor is None
