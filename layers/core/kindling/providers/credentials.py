"""Which tenants have workspaces of their own at a provider, and the secrets with the keys to them.

The item `CREDENTIALS#<user_id>` has an attribute for each such provider: the ARN of a secret. A tenant without the item
works in the workspaces that the operator shares.
"""

from kindling.platform import clock, table
from kindling.platform.table import Attr
from kindling.platform.tenancy import SHARED

AGENTMAIL, INSTANTLY, CLOUDFLARE = WORKSPACES = ("agentmail", "instantly", "cloudflare")
# A service account of Google. It only reads: nothing of the tenant lies in a workspace there.
POSTMASTER = "postmaster"
# The signing secret of the webhook of a tenant's own AgentMail organisation.
AGENTMAIL_WEBHOOK = "agentmail_webhook"
KINDS = (*WORKSPACES, POSTMASTER, AGENTMAIL_WEBHOOK)
# Also the longest time for which an execution environment works in a workspace after the operator has changed it.
CACHE_SECONDS = 60.0
CACHE_TENANTS = 1000
OWNER = "credentials"

Secrets = dict[str, str]

_cache: dict[str, tuple[float, Secrets]] = {}


def secrets_of(user_id: str) -> Secrets:
    """The ARNs of a tenant's own secrets by kind, cached for `CACHE_SECONDS`. Raises StoreUnavailable."""
    if user_id == SHARED:
        return {}
    now = clock.monotonic()
    cached = _cache.get(user_id)
    if cached and cached[0] > now:
        return cached[1]
    item = table.get(_key(user_id)) or {}
    if len(_cache) >= CACHE_TENANTS:
        _cache.clear()
    found = {kind: str(item[kind]) for kind in KINDS if kind in item}
    _cache[user_id] = (now + CACHE_SECONDS, found)
    return found


def workspace(provider: str, user_id: str) -> str:
    """The owner of the workspace that a tenant uses at a provider: the tenant, or `SHARED`. Raises StoreUnavailable."""
    return user_id if provider in secrets_of(user_id) else SHARED


def owners(provider: str) -> list[str]:
    """The tenants that have their own workspace at a provider. The index is eventually consistent."""
    return [str(item["user_id"]) for item in table.owned(OWNER) if provider in item]


def add(user_id: str, kind: str, arn: str) -> None:
    """Record the secret of a tenant."""
    known = {"owner": OWNER, "user_id": user_id, "created_at": clock.timestamp(), kind: arn}
    table.update(_key(user_id), **table.assigned(known))
    _cache.pop(user_id, None)


def remove(user_id: str, kind: str) -> None:
    """Forget the secret of a tenant. Idempotent."""
    try:
        left = table.update(
            _key(user_id),
            ConditionExpression=Attr("pk").exists(),
            UpdateExpression="REMOVE #kind",
            ExpressionAttributeNames={"#kind": kind},
            ReturnValues="ALL_NEW",
        )
    except table.ConditionFailed:
        return
    finally:
        _cache.pop(user_id, None)
    if not any(other in left for other in KINDS):
        table.delete(_key(user_id))


def _key(user_id: str) -> dict[str, str]:
    return {"pk": f"CREDENTIALS#{user_id}", "sk": "CREDENTIALS"}
