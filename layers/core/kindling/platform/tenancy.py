"""The tenant for whom the code works now: it decides whose keys and workspaces the calls to providers use.

Set where a tenant becomes known: after authentication, from a saga's input, from the key in a queue's message. Code
that asks for a provider without a tenant fails, because the operator's key must not be used by an oversight.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Stands for the operator: the workspaces that all tenants without their own share.
SHARED = ""

_tenant: ContextVar[str] = ContextVar("tenant")


@contextmanager
def working_for(user_id: str) -> Iterator[None]:
    """Set the tenant for the block, `SHARED` for the operator's own work. Threads of `parallel` have the caller's."""
    token = _tenant.set(user_id)
    try:
        yield
    finally:
        _tenant.reset(token)


def current() -> str:
    """The tenant for whom the code works. Raises RuntimeError when none is set."""
    try:
        return _tenant.get()
    except LookupError:
        raise RuntimeError("The code works for no tenant here; see kindling.platform.tenancy.") from None


def of(key: dict[str, str]) -> str:
    """The tenant to whom the item at a key of the form `TENANT#<user_id>` belongs."""
    return key["pk"].removeprefix("TENANT#")
