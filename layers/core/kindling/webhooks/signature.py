"""The signature of a webhook in the form that Svix and Standard Webhooks share."""

import base64
import binascii
import hashlib
import hmac

from kindling.errors import Unauthorized
from kindling.platform import clock

TOLERANCE_SECONDS = 300
PREFIX = "whsec_"
REFUSED = "The webhook's signature is missing, wrong, or too old."


def verify(secret: str, headers: dict[str, str], body: bytes) -> str:
    """The id of a webhook whose signature over the raw `body` is right and fresh; `headers` have lower-case names.

    Raises Unauthorized, always with the same sentence.
    """
    identity, sent_at = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    wanted = hmac.digest(_key(secret), f"{identity}.{sent_at}.".encode() + body, hashlib.sha256)
    signatures = [_decoded(item) for item in headers.get("svix-signature", "").split(" ")]
    # Every signature is compared, so that the time taken tells nothing.
    genuine = sum(hmac.compare_digest(wanted, signature) for signature in signatures) > 0
    if not (identity and genuine and _fresh(sent_at)):
        raise Unauthorized(REFUSED)
    return identity


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX))


def _decoded(item: str) -> bytes:
    """The signature in one entry of the list; versions that we do not know match nothing."""
    version, _, text = item.partition(",")
    if version != "v1":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _fresh(sent_at: str) -> bool:
    return sent_at.isascii() and sent_at.isdigit() and abs(clock.now().timestamp() - int(sent_at)) <= TOLERANCE_SECONDS
