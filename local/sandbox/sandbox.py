"""The sandbox: four providers, DNS and the admin API on one world, behind one lock."""

import contextlib
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import dns.exception
import dns.message
import httpx

from kindling.platform import clock
from local.sandbox import admin, agentmail, cloudflare, instantly, nameserver, postmaster
from local.sandbox.agentmail import deliveries
from local.sandbox.faults import ROOTS, Fault, strike
from local.sandbox.wire import Call, Refused
from local.sandbox.world import World
from local.settings import write_atomically

SAVE_AFTER_SECONDS = 0.3
# A large world is saved less often, so that saving takes a twentieth of the time, but at least this often.
MAX_SAVE_SECONDS = 10.0
# The clock may be moved, so code that waits for an instant polls it.
POLL_SECONDS = 0.025

Send = Callable[[httpx.Request], httpx.Response]
R = TypeVar("R", httpx.Response, dns.message.Message)


class Side(Protocol):
    """A module that answers calls: a provider or the admin API."""

    def answer(self, world: World, call: Call) -> httpx.Response: ...


class Provider(Side, Protocol):
    """A provider also builds refusals in its own error format, for faults."""

    def refusal(self, status: int, code: str | int | None, message: str | None) -> httpx.Response: ...


PROVIDERS: dict[str, Provider] = {
    "agentmail": agentmail,
    "instantly": instantly,
    "cloudflare": cloudflare,
    "postmaster": postmaster,
}


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """A response and the effect of a fault on it: no response, a closed connection, or a delay."""

    response: R
    silent: bool = False
    cut: bool = False
    delay_seconds: float = 0


class Sandbox:
    """Each provider under its root (`faults.ROOTS`), such as AgentMail under `/v0`, and admin under `/_admin`.

    Tests use it in process: `handle` is the handler of an `httpx.MockTransport`, `resolve` answers DNS queries, and
    `deliver` sends the webhook requests that are due.
    """

    def __init__(self, state_file: Path | None = None) -> None:
        self._state_file = state_file
        self._lock = threading.Lock()
        self._due = threading.Condition(self._lock)
        self._saving = threading.Lock()
        self._save_after = SAVE_AFTER_SECONDS
        self._timer: threading.Timer | None = None
        self._world = World()
        if state_file and state_file.exists():
            self._world = World.model_validate_json(state_file.read_bytes())

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request in process. A fault that loses the response raises the exception of httpx."""
        outcome = self.outcome(request, waits=False)
        if outcome.silent:
            raise httpx.ReadTimeout("the sandbox stays silent", request=request)
        if outcome.cut:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return outcome.response

    def outcome(self, request: httpx.Request, *, waits: bool = True) -> Outcome[httpx.Response]:
        """Execute a request and return its response with the effect of a fault.

        `waits` is whether the caller waits for a delay; until then, an idempotent send counts as running.
        """
        call = Call.of(request)
        with self._lock:
            before = self._world.changes
            outcome = self._outcome(call, waits=waits)
            if call.method != "GET" or self._world.faults or self._world.changes != before:
                self._save_soon()
                self._due.notify_all()
        return outcome

    def resolve(self, query: dns.message.Message, timeout: float) -> dns.message.Message:
        """Answer a DNS query in process.

        Raises dns.exception.Timeout when a fault loses the response or delays it beyond `timeout` seconds, EOFError
        when it closes the connection.
        """
        outcome = self.dns_outcome(query)
        if outcome.silent or outcome.delay_seconds > timeout:
            raise dns.exception.Timeout
        if outcome.cut:
            raise EOFError("the sandbox cut the connection")
        return dns.message.from_wire(outcome.response.to_wire())

    def dns_outcome(self, query: dns.message.Message) -> Outcome[dns.message.Message]:
        """The response to a DNS query with one question, and the effect of a fault on it."""
        with self._lock:
            kind, name = nameserver.asked(query)
            fault = strike(self._world.faults, kind, f"/{name}")
            if self._world.faults:
                self._save_soon()
            if fault and fault.fault == "refuse":
                return Outcome(nameserver.failure(query))
            if fault and fault.fault == "forge":
                return Outcome(nameserver.forged(self._world, query, fault.message or ""))
            return _with_fault(nameserver.answer(self._world, query), fault)

    def deliver(self, send: Send) -> int:
        """Send every webhook request that is due, and return their number."""
        sent = 0
        while self.deliver_next(send):
            sent += 1
        return sent

    def deliver_next(self, send: Send) -> bool:
        """Send the next webhook request that is due, without holding the lock; False when there is none."""
        with self._lock:
            self._settle()
            attempt = deliveries.take(self._world)
        if attempt is None:
            return False
        accepted = False
        try:
            with contextlib.suppress(httpx.HTTPError):
                accepted = send(attempt.request).is_success
        finally:
            with self._lock:
                deliveries.settle(self._world, attempt.delivery, accepted=accepted)
                self._save_soon()
        return True

    def await_delivery(self, stopping: threading.Event) -> None:
        """Wait until `deliver_next` should be called again, or until `wake`."""
        with self._due:
            if not stopping.is_set():
                waited_for = self._world.outbox.deliveries or self._world.verifying_domains
                self._due.wait(POLL_SECONDS if waited_for else None)

    def wake(self) -> None:
        """Let every `await_delivery` return."""
        with self._due:
            self._due.notify_all()

    def reset(self) -> None:
        """Reset to an empty world with default settings and no faults."""
        with self._lock:
            self._world.clear()
            self._save_soon()

    def save(self) -> None:
        """Write the state file atomically."""
        if self._state_file is None:
            return
        with self._saving:
            began = clock.monotonic()
            with self._lock:
                self._timer = None
                state = self._world.model_dump_json()
            write_atomically(self._state_file, state)
            taken = clock.monotonic() - began
            self._save_after = min(max(SAVE_AFTER_SECONDS, 20 * taken), MAX_SAVE_SECONDS)

    def _save_soon(self) -> None:
        if self._state_file and self._timer is None:
            self._timer = threading.Timer(self._save_after, self.save)
            self._timer.daemon = True
            self._timer.start()

    def _settle(self) -> None:
        agentmail.settle(self._world)
        instantly.settle(self._world)

    def _outcome(self, call: Call, *, waits: bool) -> Outcome[httpx.Response]:
        world = self._world
        self._settle()
        if call.segments[0] == "_admin":
            return Outcome(_answer(admin, world, call))
        name = next((name for name, root in ROOTS.items() if call.path.startswith(f"{root}/")), None)
        if name is None:
            return Outcome(httpx.Response(404, json={"message": f"Nothing is served at {call.path}."}))
        provider = PROVIDERS[name]
        fault = strike(world.faults, call.method, call.path)
        if fault and fault.fault == "refuse":
            return Outcome(provider.refusal(fault.status or 500, fault.code, fault.message))
        if fault and fault.fault == "rate_limit":
            refusal = provider.refusal(429, fault.code, fault.message)
            refusal.headers["Retry-After"] = str(math.ceil(1 if fault.seconds is None else fault.seconds))
            return Outcome(refusal)
        if fault and fault.fault == "delay" and waits:
            call = replace(call, held_seconds=fault.seconds or 0)
        return _with_fault(_answer(provider, world, call), fault)


def _answer(side: Side, world: World, call: Call) -> httpx.Response:
    try:
        return side.answer(world, call)
    except Refused as refused:
        return refused.response


def _with_fault(response: R, fault: Fault | None) -> Outcome[R]:
    if fault is None:
        return Outcome(response)
    return Outcome(
        response,
        silent=fault.fault == "timeout_after",
        cut=fault.fault == "drop_answer",
        delay_seconds=(fault.seconds or 0) if fault.fault == "delay" else 0,
    )
