"""The session of a browser: an API key, sealed in a cookie.

Every request opens the cookie and authenticates the key in it as the API does, so that a session ends with its key, and
nothing is stored. What seals it is derived from the deployment's secret. A form has the session's token, which only
pages of the session know.
"""

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kindling.platform import clock
from kindling.platform.derived import derive

COOKIE = "kindling_console"
PATH = "/console"
# A working day; whoever works longer signs in again.
SECONDS = 8 * 3600
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96 bits
# Bound to the ciphertext, so that it is accepted as nothing else.
PURPOSE = b"kindling console session 1"


@dataclass(frozen=True)
class Session:
    """What the cookie holds: the text of the key, the token of forms, and when it ends, in seconds since 1970."""

    api_key: str
    token: str
    ends_at: int

    def has(self, token: str) -> bool:
        """Whether a form that has `token` is one of this session."""
        return hmac.compare_digest(self.token.encode(), token.encode(errors="replace"))


def begin(api_key: str) -> Session:
    """A session for a key that has been authenticated."""
    return Session(api_key, secrets.token_urlsafe(32), int(clock.now().timestamp()) + SECONDS)


def seal(session: Session) -> str:
    """The value of its cookie. Raises StoreUnavailable."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    sealed = _cipher().encrypt(nonce, json.dumps(asdict(session)).encode(), PURPOSE)
    return urlsafe_b64encode(nonce + sealed).decode()


def unseal(cookie: str) -> Session | None:
    """The session of a cookie; None when it has ended or was not sealed here. Raises StoreUnavailable."""
    try:
        raw = urlsafe_b64decode(cookie.encode())
        session = Session(**json.loads(_cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], PURPOSE)))
    except (ValueError, InvalidTag):
        return None
    return session if session.ends_at > clock.now().timestamp() else None


def _cipher() -> AESGCM:
    return AESGCM(derive("console session"))
