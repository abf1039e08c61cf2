"""The sandbox itself: one world, one lock, three providers, DNS and an admin side."""

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
from local.sandbox import admin, agentmail, cloudflare, instantly, nameserver
from local.sandbox.agentmail import deliveries
from local.sandbox.faults import ROOTS, Fault, strike
from local.sandbox.wire import Call, Refused
from local.sandbox.world import World

SAVE_AFTER_SECONDS = 0.3
# A large world is saved less often, so that a twentieth of the time goes into it, but no later than this.
SAVE_AT_LAST_SECONDS = 10.0
# The clock may jump, so whoever waits for it looks at it this often.
LOOK_SECONDS = 0.025

Send = Callable[[httpx.Request], httpx.Response]
R = TypeVar("R", httpx.Response, dns.message.Message)


class Side(Protocol):
    """What a provider and the admin side have in common: a module with one way in."""

    def answer(self, world: World, call: Call) -> httpx.Response: ...


class Provider(Side, Protocol):
    """A provider can also refuse, in its own error shape, without having looked at the call."""

    def refusal(self, status: int, code: str | int | None, message: str | None) -> httpx.Response: ...


PROVIDERS: dict[str, Provider] = {"agentmail": agentmail, "instantly": instantly, "cloudflare": cloudflare}


@dataclass(frozen=True)
class Outcome(Generic[R]):
    """An answer and what a fault does to it on its way: silence, a cut connection, or a delay."""

    response: R
    silent: bool = False
    cut: bool = False
    delay_seconds: float = 0


class Sandbox:
    """AgentMail under `/v0`, Instantly under `/api/v2`, Cloudflare under `/client/v4`, admin under `/_admin`.

    In process it is the handler of an `httpx.MockTransport`, and `resolve` answers DNS: nothing listens and nothing
    waits, and webhooks hear of events when `deliver` is called.
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
        """Answers a request in process; a fault that loses the answer raises what httpx would."""
        outcome = self.outcome(request, waits=False)
        if outcome.silent:
            raise httpx.ReadTimeout("the sandbox stays silent", request=request)
        if outcome.cut:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        return outcome.response

    def outcome(self, request: httpx.Request, *, waits: bool = True) -> Outcome[httpx.Response]:
        """Does what the request asks, and tells how its answer travels; `waits`: whether a delay is waited for."""
        call = Call.of(request)
        with self._lock:
            before = self._world.changes
            outcome = self._outcome(call, waits=waits)
            if call.method != "GET" or self._world.faults or self._world.changes != before:
                self._save_soon()
                self._due.notify_all()
        return outcome

    def resolve(self, query: dns.message.Message, timeout: float) -> dns.message.Message:
        """Answers a DNS query in process; an answer that is lost, or comes later than `timeout` (seconds), raises.

        Raises what dnspython would: dns.exception.Timeout, EOFError.
        """
        outcome = self.dns_outcome(query)
        if outcome.silent or outcome.delay_seconds > timeout:
            raise dns.exception.Timeout
        if outcome.cut:
            raise EOFError("the sandbox cut the connection")
        return dns.message.from_wire(outcome.response.to_wire())

    def dns_outcome(self, query: dns.message.Message) -> Outcome[dns.message.Message]:
        """The answer to a DNS query of one question, and how it travels."""
        with self._lock:
            kind, name = nameserver.asked(query)
            fault = strike(self._world.faults, kind, f"/{name}")
            if self._world.faults:
                self._save_soon()
            if fault and fault.fault == "refuse":
                return Outcome(nameserver.failure(query))
            if fault and fault.fault == "forge":
                return Outcome(nameserver.forged(self._world, query, fault.message or ""))
            return _travel(nameserver.answer(self._world, query), fault)

    def deliver(self, send: Send) -> int:
        """Sends every webhook request that is due, and tells how many those were."""
        sent = 0
        while self.deliver_next(send):
            sent += 1
        return sent

    def deliver_next(self, send: Send) -> bool:
        """Sends the webhook request that is due next, without holding anybody up; False when there is none."""
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
        """Returns when it is time to try `deliver_next` again, or when it is woken because of `stopping`."""
        with self._due:
            if not stopping.is_set():
                waited_for = self._world.outbox.deliveries or self._world.verifying_domains
                self._due.wait(LOOK_SECONDS if waited_for else None)

    def wake(self) -> None:
        """Has every `await_delivery` return."""
        with self._due:
            self._due.notify_all()

    def reset(self) -> None:
        """An empty world, default settings, no faults."""
        with self._lock:
            self._world.clear()
            self._save_soon()

    def save(self) -> None:
        """Writes the state file, whole or not at all."""
        if self._state_file is None:
            return
        with self._saving:
            began = clock.monotonic()
            with self._lock:
                self._timer = None
                state = self._world.model_dump_json()
            self._state_file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._state_file.with_name(f"{self._state_file.name}.draft")
            draft.write_text(state)
            draft.replace(self._state_file)
            taken = clock.monotonic() - began
            self._save_after = min(max(SAVE_AFTER_SECONDS, 20 * taken), SAVE_AT_LAST_SECONDS)

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
        return _travel(_answer(provider, world, call), fault)


def _answer(side: Side, world: World, call: Call) -> httpx.Response:
    try:
        return side.answer(world, call)
    except Refused as refused:
        return refused.response


def _travel(response: R, fault: Fault | None) -> Outcome[R]:
    if fault is None:
        return Outcome(response)
    return Outcome(
        response,
        silent=fault.fault == "timeout_after",
        cut=fault.fault == "drop_answer",
        delay_seconds=(fault.seconds or 0) if fault.fault == "delay" else 0,
    )
