"""What Google answers to a service account."""

import json
from datetime import date
from typing import Any

import httpx

from local.sandbox.postmaster import tokens
from local.sandbox.postmaster.errors import refusal
from local.sandbox.world import World
from tests.unit.script import answer

KEY = tokens.key_file(World(), "postmaster.example")
KEY_FILE = json.dumps(KEY)
TOKEN = answer(200, {"access_token": "ya29.first", "expires_in": 3599, "token_type": "Bearer"})
FIRST, LAST = date(2026, 2, 22), date(2026, 2, 28)


def google_says(status: int, reason: str | None = None) -> httpx.Response:
    return refusal(status, reason, None)


def stat(metric: str, day: int, **value: Any) -> dict[str, Any]:
    """A figure of a day of February 2026; a value without a type is missing."""
    shown = {"name": "domains/x/domainStats/1", "metric": metric, "date": {"year": 2026, "month": 2, "day": day}}
    return {**shown, "value": value} if value else shown


def stats(*entries: dict[str, Any], next_page: str = "") -> httpx.Response:
    body: dict[str, Any] = {"domainStats": list(entries)} if entries else {}
    return answer(200, {**body, "nextPageToken": next_page} if next_page else body)
