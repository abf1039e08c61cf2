"""Compare-and-swap on a state graph: the only way in which a status changes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.platform import clock, table

Key = dict[str, str]
State = tuple[str, ...]

# The state of an item that does not exist, for graphs whose items come and go.
ABSENT: State = ()
# An empty condition would let every write through.
NEVER = "attribute_exists(pk) AND attribute_not_exists(pk)"


@dataclass(frozen=True)
class Graph:
    """A state graph: `allowed` maps each state to the states it may change to.

    A state is the tuple of the values of `attributes`, or `ABSENT`.
    """

    attributes: tuple[str, ...]
    allowed: Mapping[Any, frozenset[Any]]

    def condition(
        self, to: State, *, seen: dict[str, Any] | None = None, only_from: Collection[State] | None = None
    ) -> dict[str, Any]:
        """The condition of a write that moves an item to `to`, or deletes it when `to` is `ABSENT`.

        It is derived from `allowed`: the item is in a state from which `to` may be reached. `only_from` restricts
        those states, and may name `to` itself for a write that does not change the status. `seen` has attribute
        values that an existing item must still have, for a decision that was made from them.
        """
        seen = seen or {}
        sources = [
            state
            for state, targets in self.allowed.items()
            if (to in targets if only_from is None else state in only_from and to in targets | {state})
        ]
        existing = [state for state in sources if state != ABSENT]
        values = {f":from{i}_{j}": part for i, state in enumerate(existing) for j, part in enumerate(state)}
        states = " OR ".join(
            "(" + " AND ".join(f"#{name} = :from{i}_{j}" for j, name in enumerate(self.attributes)) + ")"
            for i in range(len(existing))
        )
        if seen and states:
            # DynamoDB refuses redundant parentheses.
            states = f"({states})" if len(existing) > 1 else states
            states += "".join(f" AND #{name} = :seen_{name}" for name in seen)
            values |= {f":seen_{name}": value for name, value in seen.items()}
        if ABSENT in sources:
            absent = "attribute_not_exists(pk)"
            states = f"{absent} OR ({states})" if states else absent
        condition: dict[str, Any] = {
            "ConditionExpression": states or NEVER,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if existing:
            names = (*self.attributes, *seen)
            condition["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
            condition["ExpressionAttributeValues"] = values
        return condition

    def update(
        self,
        key: Key,
        to: State,
        *,
        put: dict[str, Any] | None = None,
        drop: tuple[str, ...] = (),
        seen: dict[str, Any] | None = None,
        only_from: Collection[State] | None = None,
    ) -> Any:
        """The arguments of an UpdateItem that moves the item to `to`, and sets `put` and removes `drop` with it."""
        changes = {
            **dict(zip(self.attributes, to, strict=True)),
            **(put or {}),
            "updated_at": clock.timestamp(),
        }
        update = table.assigned(changes, drop)
        condition = self.condition(to, seen=seen, only_from=only_from)
        update["ExpressionAttributeNames"] |= condition.pop("ExpressionAttributeNames", {})
        update["ExpressionAttributeValues"] |= condition.pop("ExpressionAttributeValues", {})
        return {"Key": key, **update, **condition}

    def move(
        self, key: Key, to: State, *, put: dict[str, Any] | None = None, drop: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Move the item to `to` and return it. Idempotent.

        Raises NotFound when there is no item, StaleStatus when `to` cannot be reached from its state.
        """
        return self.swap(key, to, put=put, drop=drop)[0]

    def swap(
        self, key: Key, to: State, *, put: dict[str, Any] | None = None, drop: tuple[str, ...] = ()
    ) -> tuple[dict[str, Any], bool]:
        """As `move`, and whether this call changed the item."""
        try:
            update = self.update(key, to, put=put, drop=drop)
            return table.update(update.pop("Key"), **update, ReturnValues="ALL_NEW"), True
        except table.ConditionFailed as lost:
            return self.settled(lost.item, to), False

    def settled(self, item: dict[str, Any] | None, to: State) -> dict[str, Any]:
        """The item after a failed condition, when it is in state `to` already. Raises NotFound, StaleStatus."""
        if not item:
            raise NotFound("There is no such row.")
        state = tuple(str(item.get(name)) for name in self.attributes)
        if state != tuple(to):
            raise StaleStatus(f"The row is {'/'.join(state)}, which cannot become {'/'.join(to)}.")
        return item
