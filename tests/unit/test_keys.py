"""API keys: their text, the comparison of secrets, the cache, and seeding."""

import hmac
from typing import Any

import pytest

from kindling.errors import Forbidden, NotFound, Unauthorized
from kindling.keys import authentication, store
from kindling.keys import service as keys
from kindling.keys.model import Caller, CreateKey, Scope, Token, new_token, read_token
from kindling.platform import aws
from tests.conftest import Clock

USER = "7d3a4c1e-6b52-4f0a-9c8e-2f1b5d907a36"
SECRET = "x" * 43
TEXT = f"kd_live_{'a' * 16}_{SECRET}"


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The arguments of every comparison of secrets."""
    seen: list[tuple[str, str]] = []
    real = hmac.compare_digest

    def compare(one: Any, other: Any) -> bool:
        seen.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    return seen


def header(text: str) -> str:
    return f"Bearer {text}"


def opened(sent: str | None) -> Caller:
    return authentication.authenticate(sent, "203.0.113.7")


@pytest.mark.parametrize("live", [True, False])
def test_a_token_survives_being_written_and_read(live: bool) -> None:
    for _ in range(200):
        token = new_token(live=live)
        assert read_token(str(token)) == token
        assert str(token).startswith("kd_live_" if live else "kd_test_")


def test_no_two_tokens_are_alike() -> None:
    tokens = [new_token(live=True) for _ in range(200)]
    assert len({token.key_id for token in tokens}) == len({token.secret for token in tokens}) == 200
    assert min(len(token.secret) for token in tokens) >= 43


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kd_live_",
        TEXT[:-1],
        TEXT + "\n",
        f" {TEXT}",
        TEXT.replace("kd_", "pk_"),
        TEXT.replace("live", "LIVE"),
        TEXT.replace("live", "prod"),
        TEXT.replace("aaaa_", "aaaA_"),
        TEXT.replace("aaaa_", "aaa_"),
        TEXT + "_x",
        TEXT + "é",
        f"kd_live_{'a' * 16}_{'x' * 65}",
    ],
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_token(text) is None


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_key_opens_for_its_tenant_with_its_scopes() -> None:
    keys.seed(USER, TEXT, ["read", "send"], "ci")
    caller = opened(header(TEXT))
    assert caller == Caller(USER, "a" * 16, True, frozenset({Scope.READ, Scope.SEND}), name="ci")
    caller.require(Scope.SEND)
    with pytest.raises(Forbidden) as refused:
        caller.require(Scope.ADMIN)
    assert refused.value.extras == {"required_scope": "admin"}


@pytest.mark.usefixtures("cloud", "steady_clock")
@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        "Bearer",
        TEXT,
        f"Basic {TEXT}",
        f"Bearer {TEXT} extra",
        header("nonsense"),
        header(TEXT.replace("aaaa_", "aaab_")),
        header(TEXT[:-1] + "y"),
        header(TEXT.replace("kd_live", "kd_test")),
    ],
)
def test_every_refusal_is_the_same_sentence_after_one_comparison_in_constant_time(
    compared: list[tuple[str, str]], sent: str | None
) -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    with pytest.raises(Unauthorized) as refused:
        opened(sent)
    assert str(refused.value) == "The API key is missing, malformed, unknown, revoked or expired."
    assert refused.value.extras == {}
    assert [(len(one), len(other)) for one, other in compared] == [(64, 64)]


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_known_key_is_compared_just_the_same(compared: list[tuple[str, str]]) -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    opened(header(TEXT))
    assert len(compared) == 1
    assert SECRET not in str(compared)


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_the_row_has_no_secret() -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    assert SECRET not in str(aws.table().scan()["Items"])


@pytest.mark.usefixtures("cloud")
def test_seeding_a_key_again_changes_nothing(steady_clock: Clock) -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    before = aws.table().scan()["Items"]
    steady_clock.advance(days=1)
    keys.seed(USER, TEXT, ["read"], "ci")
    assert aws.table().scan()["Items"] == before


@pytest.mark.usefixtures("cloud")
def test_seeding_a_revoked_key_again_does_not_bring_it_back(steady_clock: Clock) -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    keys.revoke(opened(header(TEXT)), "a" * 16, force=True)
    keys.seed(USER, TEXT, ["read"], "ci")
    steady_clock.advance(minutes=2)
    with pytest.raises(Unauthorized):
        opened(header(TEXT))


@pytest.mark.usefixtures("cloud", "steady_clock")
@pytest.mark.parametrize("text", ["", "nonsense", TEXT[:-1]])
def test_what_is_no_key_cannot_be_seeded(text: str) -> None:
    with pytest.raises(ValueError, match="not the text of an API key"):
        keys.seed(USER, text, ["read"], "ci")
    with pytest.raises(ValueError, match="root"):
        keys.seed(USER, TEXT, ["root"], "ci")
    assert aws.table().scan()["Items"] == []


@pytest.mark.usefixtures("cloud")
def test_a_key_is_remembered_for_a_minute_and_its_absence_not_at_all(steady_clock: Clock) -> None:
    with pytest.raises(Unauthorized):
        opened(header(TEXT))
    keys.seed(USER, TEXT, ["read"], "ci")
    opened(header(TEXT))
    aws.table().delete_item(Key={"pk": f"KEY#{'a' * 16}", "sk": "KEY"})
    steady_clock.advance(seconds=59)
    opened(header(TEXT))
    steady_clock.advance(seconds=1)
    with pytest.raises(Unauthorized):
        opened(header(TEXT))


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_remembered_key_still_needs_its_secret() -> None:
    keys.seed(USER, TEXT, ["read"], "ci")
    opened(header(TEXT))
    with pytest.raises(Unauthorized):
        opened(header(TEXT[:-1] + "y"))


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_only_so_many_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "CACHE_KEYS", 3)
    for letter in "abcdefg":
        text = str(Token(live=True, key_id=letter * 16, secret=SECRET))
        keys.seed(USER, text, ["read"], letter)
        opened(header(text))
    assert len(authentication._cache) <= 3


@pytest.mark.usefixtures("cloud")
def test_a_key_that_was_made_opens_until_it_expires(steady_clock: Clock) -> None:
    keys.seed(USER, TEXT, [scope.value for scope in Scope], "root")
    caller = opened(header(TEXT))
    made = keys.create(caller, CreateKey(name="short", scopes=frozenset({Scope.READ}), expires_in_days=1))
    assert opened(header(made.api_key)).scopes == {Scope.READ}
    steady_clock.advance(hours=24)
    with pytest.raises(Unauthorized):
        opened(header(made.api_key))


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_tenant_revokes_its_own_keys_only() -> None:
    keys.seed(USER, TEXT, ["admin"], "ci")
    stranger = Caller("somebody else", "b" * 16, True, frozenset(Scope))
    with pytest.raises(NotFound):
        keys.revoke(stranger, "a" * 16, force=True)
    with pytest.raises(NotFound):
        keys.revoke(stranger, "absent", force=True)
    caller = opened(header(TEXT))
    first = keys.revoke(caller, "a" * 16, force=True)
    assert keys.revoke(caller, "a" * 16, force=False).revoked_at == first.revoked_at
    assert store.get("absent") is None
