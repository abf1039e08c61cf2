"""How an operation is waited for, whichever client asks."""

from kindling_client import clock
from kindling_client.errors import OperationFailed, StillRunning
from kindling_client.models import Accepted, ShownOperation

FIRST_PAUSE = 0.5
GROWTH = 1.5
LONGEST_PAUSE = 5.0


class Watch:
    """What is known of an operation that is asked for again and again, for `seconds` at most."""

    def __init__(self, accepted: Accepted | str, seconds: float) -> None:
        self.operation_id = accepted if isinstance(accepted, str) else accepted.operation.id
        self._seconds = seconds
        self._end = clock.monotonic() + seconds
        self._pause = FIRST_PAUSE
        self._seen: object = None

    def is_news(self, operation: ShownOperation) -> bool:
        """Whether it has gone on since it was last seen."""
        before, self._seen = self._seen, (operation.state, operation.current_step, operation.progress)
        return before != self._seen

    def pause(self, operation: ShownOperation) -> float | None:
        """The seconds until it is worth asking again; None once it has succeeded.

        Raises OperationFailed, StillRunning.
        """
        named = {"operation_id": operation.id, "name": operation.name}
        if operation.state == "succeeded":
            return None
        if operation.state == "failed":
            code, said = "operation_failed", f"{operation.kind} of {operation.name} has failed."
            if operation.error:
                code, said, named["step"] = operation.error.code, operation.error.message, operation.error.step
            raise OperationFailed(code, said, extras=named)
        left = self._end - clock.monotonic()
        if left <= 0:
            said = (
                f"{operation.kind} of {operation.name} has not ended within {self._seconds:g} s; it goes on by itself."
            )
            raise StillRunning("still_running", said, extras=named)
        pause, self._pause = min(self._pause, left), min(self._pause * GROWTH, LONGEST_PAUSE)
        return pause
