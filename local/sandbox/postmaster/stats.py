"""The daily statistics of the domains that the service account may see, from the setting `gmail_days`."""

from collections.abc import Iterator
from datetime import date
from typing import Any, Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from local.sandbox.postmaster.errors import problem
from local.sandbox.postmaster.tokens import authenticate
from local.sandbox.settings import GmailDay
from local.sandbox.wire import Call, Routes
from local.sandbox.world import World

routes = Routes("/v2")


class Body(BaseModel):
    """Google refuses a field that it does not know."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Date(Body):
    year: int
    month: int
    day: int

    @model_validator(mode="after")
    def _exists(self) -> "Date":
        self.read()
        return self

    def read(self) -> date:
        return date(self.year, self.month, self.day)


class DateRange(Body):
    start: Date
    end: Date

    @model_validator(mode="after")
    def _in_order(self) -> "DateRange":
        if self.end.read() < self.start.read():
            raise ValueError("the end is before the start")
        return self


class DateRanges(Body):
    dateRanges: list[DateRange] = Field(min_length=1)  # noqa: N815


class TimeQuery(Body):
    dateRanges: DateRanges  # noqa: N815


class BaseMetric(Body):
    standardMetric: Literal["SPAM_RATE", "DELIVERY_ERROR_RATE"]  # noqa: N815


class MetricDefinition(Body):
    name: str = Field(min_length=1)
    baseMetric: BaseMetric  # noqa: N815


class Query(Body):
    parent: str | None = None
    metricDefinitions: list[MetricDefinition] = Field(min_length=1)  # noqa: N815
    timeQuery: TimeQuery  # noqa: N815
    aggregationGranularity: Literal["DAILY"] = "DAILY"  # noqa: N815
    pageSize: int = Field(default=10, ge=1, le=200)  # noqa: N815
    pageToken: str = ""  # noqa: N815


@routes.on("POST", "/domains/{domain}/domainStats:query")
def query_stats(world: World, call: Call) -> httpx.Response:
    authenticate(world, call)
    domain = call.args["domain"]
    try:
        query = Query.model_validate_json(call.content or b"{}")
    except ValidationError as error:
        issue = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise problem(400, f"{'.'.join(map(str, issue['loc']))}: {issue['msg']}") from None
    if query.parent not in (None, f"domains/{domain}"):
        raise problem(400, "The parent is not that of the path.")
    days = world.settings.gmail_days.get(domain)
    if days is None:
        raise problem(403, f"The caller does not have permission to access domains/{domain}.")
    return httpx.Response(200, json=_page(domain, list(_stats(days, query)), query))


def _stats(days: dict[str, GmailDay], query: Query) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every figure that there is, with the token of a page that begins with it."""
    ranges = [(one.start.read(), one.end.read()) for one in query.timeQuery.dateRanges.dateRanges]
    for text, figures in sorted(days.items()):
        day = date.fromisoformat(text)
        if not any(start <= day <= end for start, end in ranges):
            continue
        values = {
            "SPAM_RATE": ("floatValue", figures.spam_rate),
            "DELIVERY_ERROR_RATE": ("doubleValue", figures.delivery_error_rate),
        }
        for metric in query.metricDefinitions:
            kind, value = values[metric.baseMetric.standardMetric]
            if value is not None:
                shown = {"year": day.year, "month": day.month, "day": day.day}
                yield f"{text}/{metric.name}", {"metric": metric.name, "date": shown, "value": {kind: value}}


def _page(domain: str, stats: list[tuple[str, dict[str, Any]]], query: Query) -> dict[str, Any]:
    """One page. A list or a token that is empty is omitted."""
    tokens = [token for token, _ in stats]
    if query.pageToken and query.pageToken not in tokens:
        raise problem(400, "The page token is not valid.")
    start = tokens.index(query.pageToken) if query.pageToken else 0
    end = start + query.pageSize
    shown = [{"name": f"domains/{domain}/domainStats/{token}", **stat} for token, stat in stats[start:end]]
    body: dict[str, Any] = {"domainStats": shown} if shown else {}
    return {**body, "nextPageToken": tokens[end]} if end < len(tokens) else body
