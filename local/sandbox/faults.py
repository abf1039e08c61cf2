"""Scripted faults, and the calls that they affect."""

from typing import Annotated, Literal
from urllib.parse import unquote

from pydantic import Field, model_validator

from local.sandbox.settings import Seconds, Strict

# DNS has no paths: for it, the path of a fault is a slash and the queried name.
ROOTS = {"agentmail": "/v0", "instantly": "/api/v2", "cloudflare": "/client/v4", "postmaster": "/v2"}
RECORD_TYPES = ("TXT", "SOA", "NS", "A", "AAAA", "MX", "CNAME")


class Fault(Strict):
    """A scripted fault. `calls` are the numbers of the matching calls, counted since it was posted; None is all."""

    provider: Literal["agentmail", "instantly", "cloudflare", "postmaster", "dns"]
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "TXT", "SOA", "NS", "A", "AAAA", "MX", "CNAME"]
    path: str
    calls: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] | None = None
    fault: Literal["refuse", "timeout_after", "drop_answer", "rate_limit", "delay", "forge"]
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    code: str | int | None = None
    message: str | None = None
    seconds: Seconds | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Fault":
        root = ROOTS.get(self.provider, "")
        if not self.path.startswith(f"{root}/"):
            raise ValueError(f"the path of a fault for {self.provider} begins with {root}/")
        if (self.method in RECORD_TYPES) != (self.provider == "dns"):
            raise ValueError(f"{self.method} is no method of {self.provider}")
        if self.provider == "dns":
            self._fit_dns()
        elif self.fault == "forge":
            raise ValueError("only an answer of dns is forged")
        elif self.fault == "refuse" and self.status is None:
            raise ValueError("a fault `refuse` needs a status")
        if self.fault == "delay" and self.seconds is None:
            raise ValueError("a fault `delay` needs seconds")
        if self.provider == "cloudflare" and isinstance(self.code, str):
            raise ValueError("a Cloudflare code is a number")
        if self.provider != "cloudflare" and isinstance(self.code, int):
            raise ValueError("only a Cloudflare code is a number")
        return self

    def _fit_dns(self) -> None:
        if self.path != self.path.lower():
            raise ValueError("the name in the path of a fault for dns is lower-case")
        if self.fault == "rate_limit" or self.status is not None or self.code is not None:
            raise ValueError("dns knows no rate limit, status or code")
        if self.fault == "forge" and (self.method != "TXT" or self.message is None):
            raise ValueError("a fault `forge` needs the method TXT and a message")

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
        """Count the call if it matches; returns whether the fault applies to it."""
        if not self.fault.matches(method, path):
            return False
        self.seen += 1
        return self.fault.calls is None or self.seen in self.fault.calls


def strike(posted: list[PostedFault], method: str, path: str) -> Fault | None:
    """The first fault that applies to this call. Every matching fault counts the call."""
    hits = [entry.fault for entry in posted if entry.strikes(method, path)]
    return hits[0] if hits else None
