"""AgentMail's lists: newest first, with `limit` (returned except for keys) and an opaque `page_token`."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpx

from local.sandbox.agentmail.errors import invalid
from local.sandbox.wire import Call
from local.sandbox.world import Row

DEFAULT_LIMIT = 50
AnyRow = TypeVar("AnyRow", bound=Row)


def page(call: Call, key: str, rows: Iterable[AnyRow], show: Callable[[AnyRow], Any]) -> httpx.Response:
    ascending = call.query.get("ascending") == "true"
    limit = _limit(call)
    after = _number_of(call.query.get("page_token"))
    ordered = sorted(rows, key=lambda row: row.number, reverse=not ascending)
    if after is not None:
        ordered = [row for row in ordered if (row.number > after if ascending else row.number < after)]
    shown = ordered[:limit]
    answer: dict[str, Any] = {"count": len(shown), key: [show(row) for row in shown]}
    if "limit" in call.query and key != "api_keys":
        answer["limit"] = limit
    if len(ordered) > limit:
        answer["next_page_token"] = base64.urlsafe_b64encode(f"after:{shown[-1].number}".encode()).decode()
    return httpx.Response(200, json=answer)


def _limit(call: Call) -> int:
    text = call.query.get("limit") or str(DEFAULT_LIMIT)
    if not text.isdecimal() or int(text) < 1:
        raise invalid(["limit"], "Expected a number of at least 1", "too_small")
    return int(text)


def _number_of(token: str | None) -> int | None:
    if not token:
        return None
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except (binascii.Error, ValueError):
        raise invalid(["page_token"], "Invalid page token") from None
