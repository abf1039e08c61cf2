"""Makes webhook deliveries as they fall due, several at a time and so in no promised order."""

import ssl
import threading
from types import TracebackType

import httpx

from kindling.platform import clock
from local.sandbox.sandbox import Sandbox

WORKERS = 4
ANSWER_SECONDS = 15
STOP_SECONDS = 2.0


class Pump:
    """Threads that deliver for the length of a block. What is under way at its end is made again after a restart."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stopping = threading.Event()
        # Costly to make, and made by every client that is not given one.
        self._trust = ssl.create_default_context()
        self._workers = [
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True) for number in range(WORKERS)
        ]

    def __enter__(self) -> "Pump":
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._sandbox.wake()
        end = clock.monotonic() + STOP_SECONDS
        for worker in self._workers:
            # A receiver that takes its time holds up no stop.
            worker.join(max(0.0, end - clock.monotonic()))

    def _work(self) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False, verify=self._trust) as client:
            while not self._stopping.is_set():
                if not self._sandbox.deliver_next(client.send):
                    self._sandbox.await_delivery(self._stopping)
