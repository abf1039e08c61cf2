"""Google Postmaster Tools: the spam reports of Gmail's users, which Gmail sends to no sender, as a daily rate.

The API is version 2: developers.google.com/workspace/gmail/postmaster/reference/rest. A service account asks, which the
owner of each domain has added in Postmaster Tools. It proves itself by a signed assertion, for which it gets an access
token: RFC 7523, and developers.google.com/identity/protocols/oauth2/service-account.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
from pydantic import BaseModel, Field, field_validator

from kindling.errors import KeyRefused, ProviderError, ProviderMisconfigured, ProviderRefused
from kindling.platform import clock
from kindling.providers.bucket import Rate
from kindling.providers.client import ProviderClient, body, read
from kindling.providers.model import ReputationDay

# Reads statistics and nothing else of the domains that the account may see.
SCOPE = "https://www.googleapis.com/auth/postmaster.traffic.readonly"
# Where Google gives tokens, and where a stand-in of it does below its own URL.
GIVES_TOKENS, STAND_IN = "https://oauth2.googleapis.com/token", "/v2/token"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_SECONDS = 600  # an hour at most
# A token that ends sooner is not used any more.
TOKEN_RESERVE_SECONDS = 60.0
# Google names no limit of this API. Whoever asks once a day may ask slowly.
RATE = Rate(5, burst=5)
PAGE = 200  # the largest page of statistics
SPAM_RATE, DELIVERY_ERROR_RATE = "spam_rate", "delivery_error_rate"
# Refusals of the account or of its project. Google's other 403 is about the one domain.
MISCONFIGURED = ("SERVICE_DISABLED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "CONSUMER_INVALID", "BILLING_DISABLED")


class KeyFile(BaseModel):
    """The part of a service account's key file that is needed here."""

    client_email: str
    private_key: str
    private_key_id: str
    token_uri: str


class Token(BaseModel):
    access_token: str
    expires_in: float


class Day(BaseModel):
    year: int
    month: int
    day: int


class Value(BaseModel):
    """A rate, of whichever type it comes in."""

    float_value: float | None = Field(default=None, alias="floatValue", ge=0, le=1)
    double_value: float | None = Field(default=None, alias="doubleValue", ge=0, le=1)

    @property
    def rate(self) -> float | None:
        return self.float_value if self.double_value is None else self.double_value


class Stat(BaseModel):
    metric: str
    day: date = Field(alias="date")
    value: Value = Value()

    @field_validator("day", mode="before")
    @classmethod
    def _of_parts(cls, parts: Any) -> date:
        return date(**Day.model_validate(parts).model_dump())


class Stats(BaseModel):
    """A page of statistics. Only days with enough mail are in it, and an empty list is omitted."""

    stats: list[Stat] = Field(default=[], alias="domainStats")
    next_page: str = Field(default="", alias="nextPageToken")


class Postmaster:
    """Implements ReputationProvider."""

    def __init__(self, url: str, key_file: Callable[[], str], owner: str = "") -> None:
        self._account = ServiceAccount(url, key_file)
        self._client = ProviderClient("Postmaster", url, self._account.token, _to_error, RATE, owner)

    def daily(self, domain: str, first: date, last: date) -> list[ReputationDay] | None:
        """The days from `first` to `last` of which Google tells anything, in order.

        None when nobody has shown the domain to the service account.
        """
        rates: defaultdict[date, dict[str, float | None]] = defaultdict(dict)
        query = _query(first, last)
        while True:
            answer = self._ask(f"/v2/domains/{domain}/domainStats:query", query)
            if answer is None:
                return None
            page = read(Stats, answer)
            for stat in page.stats:
                rates[stat.day][stat.metric] = stat.value.rate
            if not page.next_page:
                return [
                    ReputationDay(day, found.get(SPAM_RATE), found.get(DELIVERY_ERROR_RATE))
                    for day, found in sorted(rates.items())
                ]
            query = {**query, "pageToken": page.next_page}

    def _ask(self, path: str, query: dict[str, Any]) -> httpx.Response | None:
        try:
            answer = self._client.call("POST", path, json=query, accept=(403, 404))
        except KeyRefused:
            self._account.forget()
            raise
        if answer.is_success:
            return answer
        if (reason := _reason(answer)) in MISCONFIGURED:
            raise ProviderMisconfigured(f"Postmaster Tools is not set up for the service account ({reason}).")
        return None


class ServiceAccount:
    """Access tokens of a service account, each used until shortly before it ends."""

    def __init__(self, url: str, key_file: Callable[[], str]) -> None:
        self._key_file = key_file
        self._token_uris = (GIVES_TOKENS, f"{url}{STAND_IN}")
        self._client = ProviderClient("Postmaster", url, None, _token_error, Rate(0))
        self._token = ""
        self._ends_at = 0.0

    def token(self) -> str:
        """A token that is still valid. Raises KeyRefused, ProviderUnavailable."""
        if clock.monotonic() >= self._ends_at:
            self._fetch()
        return self._token

    def forget(self) -> None:
        """Fetch a new token next time."""
        self._ends_at = 0.0

    def _fetch(self) -> None:
        try:
            key = self._read_key()
            form = {"grant_type": GRANT, "assertion": _assertion(key)}
        except ValueError:
            # Without the error, which would quote the key.
            raise KeyRefused("The key to Postmaster Tools is not the key file of a service account.") from None
        token = read(Token, self._client.call("POST", key.token_uri, form=form))
        self._token = token.access_token
        self._ends_at = clock.monotonic() + token.expires_in - TOKEN_RESERVE_SECONDS

    def _read_key(self) -> KeyFile:
        """The key file. Raises ValueError when it is none."""
        key = KeyFile.model_validate_json(self._key_file())
        # It may come from a tenant, who must not have us call what it likes.
        if key.token_uri not in self._token_uris:
            raise ValueError("another token endpoint")
        return key


def _query(first: date, last: date) -> dict[str, Any]:
    return {
        "metricDefinitions": [
            {"name": SPAM_RATE, "baseMetric": {"standardMetric": "SPAM_RATE"}},
            {"name": DELIVERY_ERROR_RATE, "baseMetric": {"standardMetric": "DELIVERY_ERROR_RATE"}},
        ],
        "timeQuery": {"dateRanges": {"dateRanges": [{"start": _written(first), "end": _written(last)}]}},
        "aggregationGranularity": "DAILY",
        "pageSize": PAGE,
    }


def _written(day: date) -> dict[str, int]:
    return {"year": day.year, "month": day.month, "day": day.day}


def _assertion(key: KeyFile) -> str:
    """The signed claim to be the service account. Raises ValueError when its key is none."""
    # Imported here: nothing else signs, and the import takes longer than the signature.
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    now = int(clock.now().timestamp())
    times = {"iat": now, "exp": now + ASSERTION_SECONDS}
    claims = {"iss": key.client_email, "scope": SCOPE, "aud": key.token_uri, **times}
    header = {"alg": "RS256", "typ": "JWT", "kid": key.private_key_id}
    signed = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
    private_key = load_pem_private_key(key.private_key.encode(), password=None)
    if not isinstance(private_key, RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004
    return f"{signed}.{_encoded(private_key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _reason(answer: httpx.Response) -> str:
    """The reason in an error's details, as google.rpc.ErrorInfo has it; empty when there is none."""
    error = body(answer).get("error")
    details = error.get("details", []) if isinstance(error, dict) else []
    return next((str(one["reason"]) for one in details if isinstance(one, dict) and "reason" in one), "")


def _to_error(answer: httpx.Response) -> ProviderError:
    error = body(answer).get("error")
    status = error.get("status") if isinstance(error, dict) else error
    return ProviderRefused(f"Postmaster Tools answered {answer.status_code} {status}.")


def _token_error(answer: httpx.Response) -> ProviderError:
    return KeyRefused(f"Google refuses the service account ({body(answer).get('error')}).")
