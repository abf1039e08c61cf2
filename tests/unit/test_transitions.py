"""The transitions of every graph, tried from every state to every state."""

from typing import Any

import pytest

from kindling.accounts import claims
from kindling.accounts import model as accounts
from kindling.domains import model as domains
from kindling.errors import NotFound, StaleStatus
from kindling.operations import model as operations
from kindling.platform import aws, table
from kindling.platform.transitions import ABSENT, Graph, State
from tests.conftest import Clock

# The only transition of a state to itself: a new trigger restarts the verification of a domain.
AGAIN = {(domains.DomainStatus.VERIFYING,)}
GRAPHS = {"domain": domains.GRAPH, "account": accounts.GRAPH, "operation": operations.GRAPH}
KEY = {"pk": "TENANT#u", "sk": "ROW#1"}

graphs = pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)


def stand(graph: Graph, state: State, **others: Any) -> None:
    """Write an item in `state`."""
    aws.table().put_item(Item={**KEY, **dict(zip(graph.attributes, state, strict=True)), **others})


def standing(graph: Graph) -> State:
    item = aws.table().get_item(Key=KEY)["Item"]
    return tuple(str(item[name]) for name in graph.attributes)


def outcome(graph: Graph, state: State, to: State) -> str:
    """The outcome of a move from `state` to `to`."""
    stand(graph, state)
    try:
        moved = graph.move(KEY, to)
    except StaleStatus:
        assert standing(graph) == tuple(state)
        return "refused"
    assert standing(graph) == tuple(to)
    return "moved" if "updated_at" in moved else "stayed"


def expected(graph: Graph, state: State, to: State) -> str:
    if to in graph.allowed[state]:
        return "moved"
    return "stayed" if state == to else "refused"


@graphs
@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_move_succeeds_where_it_is_allowed_and_nowhere_else(graph: Graph) -> None:
    pairs = [(state, to) for state in graph.allowed for to in graph.allowed]
    reachable = [(state, to) for state, to in pairs if any(to in targets for targets in graph.allowed.values())]
    assert {pair: outcome(graph, *pair) for pair in reachable} == {pair: expected(graph, *pair) for pair in reachable}


@graphs
@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_move_to_where_no_state_leads_is_refused_like_any_other(graph: Graph) -> None:
    led_to = {to for targets in graph.allowed.values() for to in targets}
    pairs = [(state, to) for state in graph.allowed for to in graph.allowed if to not in led_to]
    assert {pair: outcome(graph, *pair) for pair in pairs} == {pair: expected(graph, *pair) for pair in pairs}


@graphs
@pytest.mark.usefixtures("cloud", "steady_clock")
def test_the_same_move_twice_is_a_no_op(graph: Graph, steady_clock: Clock) -> None:
    for state, targets in graph.allowed.items():
        for to in targets - AGAIN:
            stand(graph, state)
            moved = graph.move(KEY, to)
            steady_clock.advance(minutes=1)
            assert graph.move(KEY, to) == moved
            assert aws.table().get_item(Key=KEY)["Item"] == moved


@graphs
@pytest.mark.usefixtures("cloud", "steady_clock")
def test_what_is_not_there_is_not_found_and_not_made(graph: Graph) -> None:
    for to in {to for targets in graph.allowed.values() for to in targets}:
        with pytest.raises(NotFound):
            graph.move(KEY, to)
    assert "Item" not in aws.table().get_item(Key=KEY)


@graphs
def test_every_target_of_a_graph_is_one_of_its_states(graph: Graph) -> None:
    assert {to for targets in graph.allowed.values() for to in targets} <= set(graph.allowed)
    assert {len(state) for state in graph.allowed} == {len(graph.attributes)}


@graphs
def test_no_state_but_a_domains_verifying_is_left_for_itself(graph: Graph) -> None:
    assert {state for state, targets in graph.allowed.items() if state in targets} <= AGAIN


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_move_writes_and_removes_what_goes_with_it() -> None:
    stand(domains.GRAPH, ("verifying",), due_at="x", due_shard="y", domain="acme.example")
    moved = domains.GRAPH.move(KEY, ("verified",), put={"verified_at": "now"}, drop=("due_at", "due_shard"))
    assert moved == {
        **KEY,
        "status": "verified",
        "domain": "acme.example",
        "verified_at": "now",
        "updated_at": "2026-03-01T09:00:00.000Z",
    }


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_of_two_that_move_the_same_item_the_second_reads_what_the_first_made_of_it() -> None:
    stand(operations.GRAPH, ("running",))
    operations.GRAPH.move(KEY, ("succeeded",))
    with pytest.raises(StaleStatus, match="succeeded, which cannot become undoing"):
        operations.GRAPH.move(KEY, ("undoing",))


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_a_state_of_two_attributes_is_compared_in_both() -> None:
    stand(accounts.GRAPH, ("warming", "active"))
    with pytest.raises(StaleStatus):
        accounts.GRAPH.move(KEY, accounts.ACTIVE)


def claim(state: State, account_id: str = "mine") -> None:
    """An address in `state`, claimed by an account."""
    aws.table().delete_item(Key=KEY)
    if state != ABSENT:
        stand(claims.GRAPH, state, account_id=account_id)


def write(to: State, **limits: Any) -> bool:
    """Whether the account "mine" may write the address into state `to`, or delete it where that is `ABSENT`."""
    condition = claims.GRAPH.condition(to, seen={"account_id": "mine"}, **limits)
    try:
        if to == ABSENT:
            table.delete(KEY, **condition)
        else:
            table.put({**KEY, "status": to[0], "account_id": "mine"}, **condition)
    except table.ConditionFailed:
        return False
    return True


CLAIMS = [(state, to) for state in claims.ALLOWED for to in claims.ALLOWED]


@pytest.mark.usefixtures("cloud", "steady_clock")
@pytest.mark.parametrize(("state", "to"), CLAIMS, ids=str)
def test_an_address_is_claimed_kept_and_freed_as_its_graph_allows(state: State, to: State) -> None:
    claim(state)
    assert write(to) == (to in claims.ALLOWED[state])
    claim(state, "theirs")
    assert write(to) == (state == ABSENT and to in claims.ALLOWED[ABSENT])


@pytest.mark.usefixtures("cloud", "steady_clock")
@pytest.mark.parametrize(("state", "to"), CLAIMS, ids=str)
def test_a_write_may_name_the_states_that_it_starts_from(state: State, to: State) -> None:
    claim(state)
    assert not write(to, only_from=[other for other in claims.ALLOWED if other != state])
    assert write(to, only_from=[state]) == (to == state or to in claims.ALLOWED[state])


@pytest.mark.usefixtures("cloud", "steady_clock")
def test_an_update_of_an_absent_item_creates_it() -> None:
    update = claims.GRAPH.update(KEY, claims.BURNT, put={"account_id": "mine"}, seen={"account_id": "mine"})
    table.update(update.pop("Key"), **update)
    item = aws.table().get_item(Key=KEY)["Item"]
    assert item == {**KEY, "status": "burnt", "account_id": "mine", "updated_at": "2026-03-01T09:00:00.000Z"}
