"""Values derived from the deployment's secret. They cannot be guessed and need not be stored."""

import hashlib
import hmac
import json

from kindling.platform import aws
from kindling.platform.settings import settings


def derive(purpose: str, *parts: str) -> bytes:
    """HMAC-SHA256 of `purpose` and `parts` under the deployment's secret: the same 32 bytes for the same arguments.

    Raises StoreUnavailable when the secret cannot be read.
    """
    # JSON delimits the parts, so that ("ab", "c") and ("a", "bc") give different values.
    key = aws.secret(settings().deployment_secret).encode()
    return hmac.digest(key, json.dumps([purpose, *parts]).encode(), hashlib.sha256)
