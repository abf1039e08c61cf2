"""What an operator does on the table of a deployment, with AWS credentials of his own."""

import os
from collections.abc import Callable
from typing import TypeVar

from local.settings import Refused

T = TypeVar("T")


def on_table(act: Callable[[], T]) -> T:
    """What `act` gives, done on the table TABLE_NAME. Raises Refused for what the operator can mend."""
    from kindling.errors import Conflict, StoreUnavailable

    if not os.environ.get("TABLE_NAME"):
        raise Refused("Set TABLE_NAME to the stack's output of that name.")
    try:
        return act()
    except Conflict as conflict:
        raise Refused(str(conflict)) from None
    except StoreUnavailable as unavailable:
        # Unlike a caller of the API, an operator may know what AWS says.
        raise Refused(f"AWS refused the call: {unavailable.__cause__ or unavailable}") from None
