"""Runs an operator's command on the table of a deployment, with the operator's own AWS credentials."""

import os
from collections.abc import Callable
from typing import TypeVar

from local.settings import Refused

T = TypeVar("T")


def on_table(act: Callable[[], T]) -> T:
    """Call `act` on the table that TABLE_NAME names and return its result. Raises Refused."""
    from kindling.errors import Conflict, StoreUnavailable

    if not os.environ.get("TABLE_NAME"):
        raise Refused("Set TABLE_NAME to the stack's output of that name.")
    try:
        return act()
    except Conflict as conflict:
        raise Refused(str(conflict)) from None
    except StoreUnavailable as unavailable:
        # Unlike a caller of the API, the operator may see AWS's own message.
        raise Refused(f"AWS refused the call: {unavailable.__cause__ or unavailable}") from None
