"""Makes webhook deliveries when they are due, concurrently and therefore in no guaranteed order."""

import ssl
import threading
from types import TracebackType

import httpx

from kindling.platform import clock
from local.sandbox.sandbox import Sandbox

WORKERS = 4
ANSWER_SECONDS = 15
STOP_SECONDS = 2.0


class DeliveryWorkers:
    """Threads that make deliveries during the block. Those in progress at its end are repeated after a restart."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._stopping = threading.Event()
        # Shared, since creating an SSL context is slow and every httpx client would create one.
        self._trust = ssl.create_default_context()
        self._workers = [
            threading.Thread(target=self._work, name=f"webhooks-{number}", daemon=True) for number in range(WORKERS)
        ]

    def __enter__(self) -> "DeliveryWorkers":
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
            # A slow receiver must not delay the stop any longer.
            worker.join(max(0.0, end - clock.monotonic()))

    def _work(self) -> None:
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=False, verify=self._trust) as client:
            while not self._stopping.is_set():
                if not self._sandbox.deliver_next(client.send):
                    self._sandbox.await_delivery(self._stopping)
