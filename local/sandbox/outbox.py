"""Pending webhook deliveries, ordered by their due time and stored with the world."""

import heapq
import random
from datetime import datetime
from typing import Any

from pydantic import BaseModel, PrivateAttr

SHUFFLED_AT_ONCE = 100


class Delivery(BaseModel):
    """A pending delivery of one event to one webhook. Retries and repeats have the same `svix_id`."""

    number: int
    webhook_id: str
    svix_id: str
    body: str
    due_at: datetime
    failures: int = 0


class Outbox(BaseModel):
    """The pending deliveries, and the numbers of completed ones.

    A delivery in progress stays in `deliveries`, so that it is repeated if the sandbox ends before it is completed.
    """

    number: int = 0
    deliveries: dict[int, Delivery] = {}
    delivered: int = 0
    failed: int = 0

    _due: list[tuple[datetime, int]] = PrivateAttr(default_factory=list)
    # A fixed seed makes shuffled deliveries reproducible.
    _chance: random.Random = PrivateAttr(default_factory=lambda: random.Random(0))  # noqa: S311

    def model_post_init(self, _context: Any) -> None:
        self._due = sorted((delivery.due_at, delivery.number) for delivery in self.deliveries.values())

    def put(self, webhook_id: str, svix_id: str, body: str, due_at: datetime) -> None:
        self.number += 1
        delivery = Delivery(number=self.number, webhook_id=webhook_id, svix_id=svix_id, body=body, due_at=due_at)
        self.deliveries[delivery.number] = delivery
        heapq.heappush(self._due, (due_at, delivery.number))

    def take(self, now: datetime, *, shuffle: bool) -> Delivery | None:
        """The due delivery that is first, or with `shuffle` one of the first; None when none is due."""
        due: list[tuple[datetime, int]] = []
        while self._due and self._due[0][0] <= now and len(due) < (SHUFFLED_AT_ONCE if shuffle else 1):
            entry = heapq.heappop(self._due)
            if entry[1] in self.deliveries:
                due.append(entry)
        if not due:
            return None
        _, number = due.pop(self._chance.randrange(len(due)))
        for entry in due:
            heapq.heappush(self._due, entry)
        return self.deliveries[number]

    def holds(self, delivery: Delivery) -> bool:
        """Whether a delivery in progress is still pending: it may have been dropped."""
        return self.deliveries.get(delivery.number) is delivery

    def end(self, delivery: Delivery, *, delivered: bool) -> None:
        del self.deliveries[delivery.number]
        if delivered:
            self.delivered += 1
        else:
            self.failed += 1

    def postpone(self, delivery: Delivery, due_at: datetime) -> None:
        """Reschedule a failed delivery for `due_at`."""
        delivery.failures += 1
        delivery.due_at = due_at
        heapq.heappush(self._due, (due_at, delivery.number))

    def drop(self, webhook_id: str) -> None:
        """Give up all deliveries to a webhook."""
        for delivery in [delivery for delivery in self.deliveries.values() if delivery.webhook_id == webhook_id]:
            self.end(delivery, delivered=False)
