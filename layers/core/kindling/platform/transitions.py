"""Compare-and-swap on a state graph: the one way in which any status changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kindling.errors import NotFound, StaleStatus
from kindling.platform import clock, table

Key = dict[str, str]
State = tuple[str, ...]

# An empty condition would let every write through.
NEVER = "attribute_exists(pk) AND attribute_not_exists(pk)"


@dataclass(frozen=True)
class Graph:
    """A state is the tuple of the values of `attributes`; `allowed` says where each state may go."""

    attributes: tuple[str, ...]
    allowed: Mapping[Any, frozenset[Any]]

    def update(
        self,
        key: Key,
        to: State,
        *,
        put: dict[str, Any] | None = None,
        drop: tuple[str, ...] = (),
        seen: dict[str, Any] | None = None,
    ) -> Any:
        """The arguments of an UpdateItem that moves the item to `to`, setting `put` and removing `drop` with it.

        Its condition is read off `allowed`: the item stands in a state from which `to` may be reached. Where the
        move was decided from other attributes too, `seen` has the values that they must still have.
        """
        sources = [state for state, targets in self.allowed.items() if to in targets]
        values = {f":from{i}_{j}": part for i, state in enumerate(sources) for j, part in enumerate(state)}
        allowed = " OR ".join(
            "(" + " AND ".join(f"{name} = :from{i}_{j}" for j, name in enumerate(self._names())) + ")"
            for i in range(len(sources))
        )
        changes = {
            **dict(zip(self.attributes, to, strict=True)),
            **(put or {}),
            "updated_at": clock.timestamp(),
        }
        condition = allowed or NEVER
        if seen:
            # DynamoDB refuses parentheses that it does not need.
            condition = f"({condition})" if len(sources) > 1 else condition
            condition += "".join(f" AND #{name} = :seen_{name}" for name in seen)
            values |= {f":seen_{name}": value for name, value in seen.items()}
        update = table.assigned(changes, drop)
        update["ExpressionAttributeNames"] |= {f"#{name}": name for name in (*self.attributes, *(seen or {}))}
        update["ExpressionAttributeValues"] |= values
        return {
            **update,
            "Key": key,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def move(
        self, key: Key, to: State, *, put: dict[str, Any] | None = None, drop: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """Move the item to `to` and return it; the same move twice is a no-op.

        Raises NotFound when there is no item, StaleStatus when it stands where `to` cannot be reached.
        """
        return self.swap(key, to, put=put, drop=drop)[0]

    def swap(
        self, key: Key, to: State, *, put: dict[str, Any] | None = None, drop: tuple[str, ...] = ()
    ) -> tuple[dict[str, Any], bool]:
        """As `move`, and whether it was this call that moved the item."""
        try:
            update = self.update(key, to, put=put, drop=drop)
            return table.update(update.pop("Key"), **update, ReturnValues="ALL_NEW"), True
        except table.ConditionFailed as lost:
            return self.standing(lost.item, to), False

    def standing(self, item: dict[str, Any] | None, to: State) -> dict[str, Any]:
        """What a lost move means: the item when it stands in `to` already, otherwise the error to raise."""
        if not item:
            raise NotFound("There is no such row.")
        state = tuple(str(item.get(name)) for name in self.attributes)
        if state != tuple(to):
            raise StaleStatus(f"The row is {'/'.join(state)}, which cannot become {'/'.join(to)}.")
        return item

    def _names(self) -> tuple[str, ...]:
        return tuple(f"#{name}" for name in self.attributes)
