"""Scripted faults: which call they hit, and when."""

from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field, model_validator

from local.sandbox.settings import Seconds, Strict

ROOTS = {"agentmail": "/v0", "instantly": "/api/v2", "cloudflare": "/client/v4"}


class Fault(Strict):
    """One scripted fault; `calls` counts the calls that match it from the moment it was posted."""

    provider: Literal["agentmail", "instantly", "cloudflare"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    calls: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = None
    fault: Literal["refuse", "timeout_after", "drop_answer", "rate_limit", "delay"]
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    code: str | int | None = None
    message: str | None = None
    seconds: Seconds | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Fault":
        root = ROOTS[self.provider]
        if not self.path.startswith(f"{root}/"):
            raise ValueError(f"the path of a fault for {self.provider} begins with {root}/")
        if self.fault == "refuse" and self.status is None:
            raise ValueError("a fault `refuse` needs a status")
        if self.fault == "delay" and self.seconds is None:
            raise ValueError("a fault `delay` needs seconds")
        if self.provider == "cloudflare" and isinstance(self.code, str):
            raise ValueError("a Cloudflare code is a number")
        if self.provider != "cloudflare" and isinstance(self.code, int):
            raise ValueError("only a Cloudflare code is a number")
        return self

    def matches(self, method: str, path: str) -> bool:
        pattern = unquote(self.path)
        if pattern.endswith("*"):
            return method == self.method and path.startswith(pattern[:-1])
        return method == self.method and path == pattern


class PostedFault(Strict):
    """A fault and the number of calls that have matched it so far."""

    fault: Fault
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Counts a matching call; true when the fault hits it."""
        if not self.fault.matches(method, path):
            return False
        self.seen += 1
        return self.fault.calls is None or self.seen in self.fault.calls


def strike(posted: list[PostedFault], method: str, path: str) -> Fault | None:
    """The first fault that hits this call; every matching fault counts it."""
    hits = [entry.fault for entry in posted if entry.strikes(method, path)]
    return hits[0] if hits else None
