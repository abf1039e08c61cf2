"""What a key opens, and what it may make and end: pure rules, to the millisecond and the scope."""

import pytest
from pydantic import ValidationError

from kindling.keys.model import CreateKey, Key, Scope, why_not_create, why_not_revoke

SOON, LATER, LATEST = "2026-03-01T09:00:00.000Z", "2026-03-01T09:00:00.001Z", "2026-03-01T09:00:00.002Z"


def key(*scopes: str, live: bool = True, expires_at: str | None = None, revoked_at: str | None = None) -> Key:
    return Key(
        key_id="a" * 16,
        user_id="u",
        name="ci",
        live=live,
        scopes=frozenset(Scope(scope) for scope in scopes),
        secret_hash="",
        created_at=SOON,
        expires_at=expires_at,
        revoked_at=revoked_at,
    )


def test_a_key_opens_until_the_instant_at_which_it_ends_and_not_at_it() -> None:
    assert key().active(LATEST)
    assert key(expires_at=LATER).active(SOON)
    assert not key(expires_at=LATER).active(LATER)
    assert not key(expires_at=LATER).active(LATEST)


def test_a_revoked_key_opens_nothing_whenever_it_would_end() -> None:
    assert not key(revoked_at=SOON).active(LATER)
    assert not key(revoked_at=SOON, expires_at=LATEST).active(LATER)


@pytest.mark.parametrize("rule", [why_not_revoke, why_not_create])
def test_a_key_ends_and_makes_what_has_no_scope_beyond_its_own(rule: object) -> None:
    judge = why_not_revoke if rule is why_not_revoke else why_not_create
    assert judge(key("admin", "read"), key("read")) is None
    assert judge(key("admin", "read"), key("admin", "read")) is None
    sentence = judge(key("admin"), key("read", "admin", "send"))
    assert sentence
    assert "lacks read, send" in sentence


@pytest.mark.parametrize(
    ("holder", "other", "may"), [(True, True, 1), (True, False, 1), (False, False, 1), (False, True, 0)]
)
def test_a_test_key_makes_and_ends_no_live_one(holder: bool, other: bool, may: int) -> None:
    for judge in (why_not_revoke, why_not_create):
        assert (judge(key("read", live=holder), key("read", live=other)) is None) is bool(may)


def test_a_key_makes_none_that_outlives_it_though_it_may_end_such_a_one() -> None:
    for made, within in ((SOON, True), (LATER, True), (LATEST, False), (None, False)):
        assert (why_not_create(key(expires_at=LATER), key(expires_at=made)) is None) is within, made
        assert why_not_revoke(key(expires_at=LATER), key(expires_at=made)) is None
        assert why_not_create(key(), key(expires_at=made)) is None


def test_a_key_ends_after_a_day_at_least_and_ten_years_at_most() -> None:
    for days in (1, 3650, None):
        assert CreateKey(name="ci", expires_in_days=days).expires_in_days == days
    for days in (0, 3651):
        with pytest.raises(ValidationError):
            CreateKey(name="ci", expires_in_days=days)


def test_a_key_only_reads_unless_more_is_asked_for() -> None:
    assert CreateKey(name="ci").scopes == {Scope.READ}
    with pytest.raises(ValidationError):
        CreateKey(name="ci", scopes=frozenset())
