"""Warmup analytics: the figures, and the status changes made by the route and by the poller."""

from datetime import timedelta
from typing import Any

import pytest

from kindling.accounts import store
from kindling.accounts.model import Account, State
from tests.conftest import Kindling
from tests.harness.lambdas import invoke

ANALYTICS = "/api/email/accounts/warmup-analytics"
FIELDS = {
    "email", "total_sent", "total_received", "health_score", "health_score_label", "warmup_reputation",
    "instantly_warmup_status", "daily_data",
}  # fmt: skip


def states(kindling: Kindling) -> dict[str, tuple[str, str]]:
    accounts = kindling.api.get("/api/email/accounts").body["accounts"]
    return {a["email_address"].partition("@")[0]: (a["status"], a["warmup_status"]) for a in accounts}


def poll(kindling: Kindling) -> list[Any]:
    invoke("GraduateAccountsFunction", {})
    return kindling.work("ReviewAccountsFunction", "reviews")


def test_figures_are_keyed_by_account_and_rise_with_the_days(kindling: Kindling) -> None:
    account = kindling.account()
    assert set(kindling.api.get(ANALYTICS).body) == {"analytics", "transitions"}
    kindling.clock.advance(days=3)
    first = kindling.api.get(ANALYTICS).body["analytics"][account["id"]]
    kindling.clock.advance(days=3)
    second = kindling.api.get(ANALYTICS).body["analytics"][account["id"]]
    assert set(second) == FIELDS
    assert first["email"] == "kim@acme.example"
    assert 0 < first["total_sent"] < second["total_sent"]
    assert len(second["daily_data"]) > len(first["daily_data"])
    assert all(set(day) == {"date", "sent", "received"} for day in second["daily_data"])
    assert all(isinstance(second[name], int) for name in ("total_sent", "health_score", "warmup_reputation"))


def test_an_account_graduates_when_somebody_looks(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.clock.advance(days=10)
    assert kindling.api.get(ANALYTICS).body["transitions"] == {}
    kindling.clock.advance(days=20)
    shown = kindling.api.get(ANALYTICS).body
    assert shown["analytics"][account["id"]]["total_sent"] >= 200
    assert shown["analytics"][account["id"]]["warmup_reputation"] >= 90
    assert shown["transitions"] == {account["id"]: {"warmup_status": "active", "status": "active"}}
    assert states(kindling) == {"kim": ("active", "active")}
    assert kindling.api.get(ANALYTICS).body["transitions"] == {}


def test_an_account_graduates_though_nobody_looks(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    assert poll(kindling) == []
    assert states(kindling) == {"kim": ("active", "active")}


@pytest.mark.parametrize(("word", "state"), [(-1, "banned"), (-2, "suspended"), (-3, "suspended")])
def test_an_account_in_trouble_is_an_error(kindling: Kindling, word: int, state: str) -> None:
    account = kindling.account()
    kindling.world.set(warmup_states={"kim@acme.example": word})
    shown = kindling.api.get(ANALYTICS).body
    assert shown["transitions"] == {account["id"]: {"warmup_status": state, "status": "error"}}
    assert states(kindling) == {"kim": ("error", state)}


def test_a_ban_goes_before_a_graduation(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    poll(kindling)
    assert states(kindling) == {"kim": ("error", "banned")}


def test_an_active_account_can_still_be_banned(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    poll(kindling)
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    kindling.clock.advance(hours=2)
    poll(kindling)
    assert states(kindling) == {"kim": ("error", "banned")}


def test_nothing_leads_out_of_a_ban(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    kindling.api.get(ANALYTICS)
    kindling.world.set(warmup_states={"kim@acme.example": None})
    kindling.clock.advance(days=60)
    assert kindling.api.get(ANALYTICS).body == {"analytics": {}, "transitions": {}}
    assert kindling.api.patch(f"/api/email/accounts/{account['id']}/retry-warmup").status == 409


def test_a_paused_warmup_is_shown_and_does_not_graduate(kindling: Kindling) -> None:
    account = kindling.account()
    kindling.clock.advance(days=30)
    kindling.world.set(warmup_states={"kim@acme.example": 0})
    shown = kindling.api.get(ANALYTICS).body
    assert shown["analytics"][account["id"]]["instantly_warmup_status"] == 0
    assert shown["transitions"] == {}
    assert states(kindling) == {"kim": ("warming", "warming")}


@pytest.mark.parametrize("path", ["/api/v2/accounts/warmup-analytics", "/api/v2/*"])
def test_an_account_that_cannot_be_read_is_left_out(kindling: Kindling, path: str) -> None:
    kindling.account()
    kindling.world.fault("instantly", "POST", path, "refuse", status=500)
    kindling.world.fault("instantly", "GET", path, "refuse", status=500)
    assert kindling.api.get(ANALYTICS).body == {"analytics": {}, "transitions": {}}


def test_a_pending_account_is_not_asked_about(kindling: Kindling) -> None:
    kindling.world.fault("instantly", "POST", "/api/v2/accounts/warmup/enable", "refuse", status=500)
    kindling.account()
    assert kindling.api.get(ANALYTICS).body == {"analytics": {}, "transitions": {}}


def test_an_account_that_lost_its_tag_is_still_found(kindling: Kindling) -> None:
    import httpx

    account = kindling.account()
    url = f"http://sandbox/api/v2/custom-tags/{account['instantly_tag_id']}"
    removed = httpx.Request("DELETE", url, headers={"Authorization": "Bearer inst_test"})
    assert kindling.world.sandbox.handle(removed).is_success
    assert account["id"] in kindling.api.get(ANALYTICS).body["analytics"]


def test_only_the_caller_whose_call_moved_an_account_is_told(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    assert len(kindling.api.get(ANALYTICS).body["transitions"]) == 1
    assert kindling.api.get(ANALYTICS).body["transitions"] == {}
    assert kindling.other.get(ANALYTICS).body == {"analytics": {}, "transitions": {}}


def test_of_two_callers_at_once_only_the_one_that_moved_an_account_is_told(
    kindling: Kindling, monkeypatch: pytest.MonkeyPatch
) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    real = store.swap

    def second(account: Account, to: State) -> bool:
        monkeypatch.setattr(store, "swap", real)
        assert len(kindling.api.get(ANALYTICS).body["transitions"]) == 1
        return real(account, to)

    monkeypatch.setattr(store, "swap", second)
    assert kindling.api.get(ANALYTICS).body["transitions"] == {}


def test_a_test_key_asks_no_provider(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(days=30)
    assert kindling.test_api.get(ANALYTICS).body == {"analytics": {}, "transitions": {}}
    assert states(kindling) == {"kim": ("warming", "warming")}


def test_another_account_does_not_put_the_review_of_a_tenant_off(kindling: Kindling) -> None:
    domain = kindling.verified_domain()
    began = kindling.clock.at
    kindling.account("kim", domain)
    kindling.clock.at = began + timedelta(minutes=59)
    kindling.account("lee", domain)
    kindling.clock.at = began + timedelta(minutes=61)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}


def test_a_tenant_is_reviewed_hourly_while_accounts_warm_and_daily_otherwise(kindling: Kindling) -> None:
    kindling.account()
    kindling.clock.advance(hours=1)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 0}
    kindling.work("ReviewAccountsFunction", "reviews")
    kindling.clock.advance(hours=1)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    kindling.world.set(warmup_states={"kim@acme.example": -1})
    kindling.work("ReviewAccountsFunction", "reviews")
    kindling.clock.advance(hours=2)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
    kindling.work("ReviewAccountsFunction", "reviews")
    kindling.clock.advance(hours=2)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 0}
    kindling.clock.advance(hours=23)
    assert invoke("GraduateAccountsFunction", {}) == {"queued": 1}
