"""Values that follow from the deployment's own secret: nobody can guess them, and nothing has to keep them."""

import hashlib
import hmac
import json

from kindling.platform import aws
from kindling.platform.settings import settings


def derive(purpose: str, *parts: str) -> bytes:
    """32 bytes bound to `purpose` and `parts` (HMAC-SHA256); the same again for the same arguments.

    JSON keeps the parts apart: ("ab", "c") and ("a", "bc") differ.
    """
    key = aws.secret(settings().deployment_secret).encode()
    return hmac.digest(key, json.dumps([purpose, *parts]).encode(), hashlib.sha256)
