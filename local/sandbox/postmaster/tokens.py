"""The service account, and the token endpoint that takes its signed assertions (RFC 7523)."""

import base64
import json
import secrets
from functools import cache
from typing import Any, cast
from urllib.parse import parse_qs

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from kindling.platform import clock
from local.sandbox.postmaster.errors import problem
from local.sandbox.wire import Call, Refused, Routes
from local.sandbox.world import AccessToken, World

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"
READER = "https://www.googleapis.com/auth/postmaster.traffic.readonly"
MANAGER = "https://www.googleapis.com/auth/postmaster.domain"
SCOPES = ("https://www.googleapis.com/auth/postmaster", READER, MANAGER)
EMAIL = "kindling@sandbox.iam.gserviceaccount.com"
KEY_ID = "5a0d1c7e93b84f26a1e0c58d7f3b96420e8d1fa2"
ASSERTION_SECONDS = 3600
TOKEN_SECONDS = 3599
# How far the clocks of both sides may differ.
SKEW_SECONDS = 300
PATH = "/v2/token"

routes = Routes("/v2")


def key_file(world: World, host: str) -> dict[str, str]:
    """The key file of the only service account, as Google's console gives it to its owner."""
    return {
        "type": "service_account",
        "project_id": "sandbox",
        "private_key_id": KEY_ID,
        "private_key": _pem(world),
        "client_email": EMAIL,
        "client_id": "100000000000000000001",
        "token_uri": f"http://{host}{PATH}",
    }


@routes.on("POST", "/token")
def create_token(world: World, call: Call) -> httpx.Response:
    if call.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        raise _refused("invalid_request", "The body is not a form.")
    form = parse_qs(call.content.decode())
    if form.get("grant_type") != [GRANT]:
        raise _refused("unsupported_grant_type", "Only the grant of a service account is known.")
    scope = _scope_of(world, (form.get("assertion") or [""])[0], f"http://{call.headers['host']}{PATH}")
    token = f"ya29.{secrets.token_urlsafe(32)}"
    now = clock.now().timestamp()
    world.access_tokens = {known: row for known, row in world.access_tokens.items() if row.ends_at > now}
    world.access_tokens[token] = AccessToken(scope=scope, ends_at=now + TOKEN_SECONDS)
    return httpx.Response(200, json={"access_token": token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer"})


def authenticate(world: World, call: Call) -> None:
    """Refuse a call without a token that is still valid, and one whose scope is another."""
    token = world.access_tokens.get(call.bearer or "")
    if token is None or token.ends_at <= clock.now().timestamp():
        raise problem(401, "The request had no valid access token.", "ACCESS_TOKEN_EXPIRED")
    if token.scope == MANAGER:
        raise problem(403, "The token's scopes do not reach.", "ACCESS_TOKEN_SCOPE_INSUFFICIENT")


def _scope_of(world: World, assertion: str, audience: str) -> str:
    """The scope that a valid assertion asks for."""
    try:
        signed, _, signature = assertion.rpartition(".")
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        _key(_pem(world)).public_key().verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        raise _refused("invalid_grant", "Invalid JWT signature.") from None
    if header.get("alg") != "RS256" or header.get("kid") != KEY_ID or claims.get("iss") != EMAIL:
        raise _refused("invalid_grant", "There is no such service account or key.")
    if claims.get("aud") != audience:
        raise _refused("invalid_grant", f"The audience is not {audience}.")
    if not _timely(claims):
        raise _refused("invalid_grant", "The assertion's times are not within an hour from now.")
    if claims.get("scope") not in SCOPES:
        raise _refused("invalid_scope", "The scope is not known.")
    return str(claims["scope"])


def _timely(claims: dict[str, Any]) -> bool:
    begins, ends, now = claims.get("iat"), claims.get("exp"), clock.now().timestamp()
    return (
        isinstance(begins, int)
        and isinstance(ends, int)
        and begins <= now + SKEW_SECONDS
        and now < ends + SKEW_SECONDS
        and 0 < ends - begins <= ASSERTION_SECONDS
    )


def _refused(error: str, description: str) -> Refused:
    """The error body of OAuth (RFC 6749, section 5.2)."""
    return Refused(httpx.Response(400, json={"error": error, "error_description": description}))


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _pem(world: World) -> str:
    if not world.service_account_key:
        world.service_account_key = _new_pem()
        world.changes += 1
    return world.service_account_key


@cache
def _new_pem() -> str:
    """One key for all sandboxes of a process, because making one takes a tenth of a second."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def _key(pem: str) -> RSAPrivateKey:
    return cast("RSAPrivateKey", load_pem_private_key(pem.encode(), password=None))
