"""Giving a tenant its own workspaces at the providers, and taking them away again, as the operator."""

from collections.abc import Callable

from kindling.accounts import store
from kindling.cleanups import service as cleanups
from kindling.domains import lookup as domains
from kindling.errors import Conflict
from kindling.operations import service as operations
from kindling.providers import credentials


def require_changeable(user_id: str, kind: str, *, own: bool) -> None:
    """Raises Conflict when having its `own` key of a kind, or not, moves a tenant that has anything at the providers.

    Its rows would then be about another workspace. A key that is rotated moves nobody, and neither does the signing
    secret of a webhook. The tenant must create nothing until `credentials.CACHE_SECONDS` after the change.
    """
    moves = kind in credentials.WORKSPACES and own != (credentials.workspace(kind, user_id) == user_id)
    obstacles: dict[str, Callable[[str], object]] = {
        "a domain": domains.has_domains,
        "an account": store.all_of,
        "an operation that runs": operations.any_running,
        "a cleanup that is not done": cleanups.any_left,
    }
    found = [name for name, look in obstacles.items() if look(user_id)] if moves else []
    if found:
        raise Conflict(f"The tenant has {' and '.join(found)}: its workspace is changed only while it has nothing.")


def record(user_id: str, kind: str, arn: str) -> None:
    """Have the tenant use its own key of that kind. Raises Conflict, as `require_changeable`."""
    require_changeable(user_id, kind, own=True)
    credentials.add(user_id, kind, arn)


def forget(user_id: str, kind: str) -> None:
    """Have the tenant use the shared workspace again. Idempotent. Raises Conflict, as `require_changeable`."""
    require_changeable(user_id, kind, own=False)
    credentials.remove(user_id, kind)
