"""The signing secrets of webhooks, which nothing stores, and signatures as Standard Webhooks has them.

A secret is derived from the deployment's, the tenant, the webhook and the number of its rotations. Its form, and that
of signatures, is the specification's (standardwebhooks.com): `whsec_` and Base64; HMAC-SHA256 of id, instant and body.
"""

import base64
import hashlib
import hmac

from kindling.events.model import Webhook, hashed
from kindling.platform import clock
from kindling.platform.derived import derive

PREFIX = "whsec_"


class SecretReplaced(Exception):
    """The deployment's secret is another one than that from which the webhook's was derived."""

    def __init__(self) -> None:
        super().__init__("The secret of the deployment was replaced: rotate the secret of this webhook.")


def secret(user_id: str, webhook_id: str, generation: int) -> str:
    """The text of a webhook's signing secret. Raises StoreUnavailable."""
    return PREFIX + base64.b64encode(derive("webhook", user_id, webhook_id, str(generation))).decode()


def headers(webhook: Webhook, event_id: str, body: bytes) -> dict[str, str]:
    """The headers that sign a delivery now; during the overlap of a rotation with both secrets.

    Raises SecretReplaced, StoreUnavailable.
    """
    own = secret(webhook.user_id, webhook.id, webhook.generation)
    if hashed(own) != webhook.fingerprint:
        raise SecretReplaced
    secrets = [own]
    if webhook.previous_until and clock.timestamp() < webhook.previous_until:
        secrets.append(secret(webhook.user_id, webhook.id, webhook.generation - 1))
    sent_at = str(int(clock.now().timestamp()))
    signed = f"{event_id}.{sent_at}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(_key(text), signed, hashlib.sha256)).decode() for text in secrets]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(text: str) -> bytes:
    return base64.b64decode(text.removeprefix(PREFIX))
