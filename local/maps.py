"""Lets the engine's distributed maps evaluate JSONata, which it does for inline maps only."""

from typing import Any


def patch(stepfunctions: Any) -> None:
    """Evaluate `MaxConcurrency` and `Items` of a distributed map before the engine runs it.

    The engine takes `MaxConcurrency` for a number, and the input of the state for its items.
    """
    run = stepfunctions._run_distributed_map

    def run_evaluated(
        state: dict[str, Any], raw_input: Any, effective: Any, iterator: dict[str, Any], execution: Any, context: Any
    ) -> Any:
        def value(name: str, kind: str) -> Any:
            return stepfunctions._jsonata_state_field(state, name, kind, raw_input, context)

        if "Items" not in state:
            return run(state, raw_input, effective, iterator, execution, context)
        items, at_once = value("Items", "array"), value("MaxConcurrency", "number")
        return run({**state, "MaxConcurrency": at_once}, raw_input, items, iterator, execution, context)

    stepfunctions._run_distributed_map = run_evaluated
