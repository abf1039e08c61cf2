"""Giving a tenant its own workspaces at the providers, and taking them away again, as the operator."""

from kindling.accounts import store
from kindling.cleanups import service as cleanups
from kindling.domains import lookup as domains
from kindling.errors import Conflict
from kindling.operations import service as operations
from kindling.providers import credentials


def require_idle(user_id: str) -> None:
    """Raises Conflict while the tenant has anything at the providers, which rows would then look for elsewhere.

    The tenant must create nothing until `credentials.CACHE_SECONDS` after the change.
    """
    obstacles = {
        "a domain": domains.has_domains(user_id),
        "an account": bool(store.all_of(user_id)),
        "an operation that runs": operations.any_running(user_id),
        "a cleanup that is not done": cleanups.any_left(user_id),
    }
    found = [name for name, there in obstacles.items() if there]
    if found:
        raise Conflict(f"The tenant has {' and '.join(found)}: its workspaces are changed only while it has nothing.")


def record(user_id: str, kind: str, arn: str) -> None:
    """Have the tenant use its own key of that kind. Raises Conflict, as `require_idle`, unless it has one already."""
    if credentials.workspace(kind, user_id) != user_id:
        _require_idle_for(user_id, kind)
    credentials.add(user_id, kind, arn)


def forget(user_id: str, kind: str) -> None:
    """Have the tenant use the shared workspace again. Idempotent. Raises Conflict, as `require_idle`."""
    if credentials.workspace(kind, user_id) == user_id:
        _require_idle_for(user_id, kind)
        credentials.remove(user_id, kind)


def _require_idle_for(user_id: str, kind: str) -> None:
    # The signing secret of a webhook is no workspace.
    if kind in credentials.WORKSPACES:
        require_idle(user_id)
