"""The last part of the walk-through: a domain that lives through eight weeks of warming in about a minute."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from local import ticks
from local.stage import DEADLINE_SECONDS, Stage, Unexpected

DAYS = 56
STEPS = 12
FIRST_LIMITS = (5, 24, 60, 130)
RISES = (1.5, 3, 5, 10)
RECIPIENTS = 50

HEALTHY = {"delivery": 0.99, "bounce": 0.01, "complaint": 0.0003, "open": 0.3}
BAD = {"delivery": 0.85, "bounce": 0.15, "complaint": 0.0003, "open": 0.1}
# The days on which somebody writes to a list that was bought, and the rest after which it is let go on.
BAD_FROM, BAD_UNTIL = 28, 31


class EightWeeks:
    """One domain, from its first day to its last limit."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self._name = name
        self._path = f"/v1/domains/{name}"
        self._people: Iterator[int] = itertools.count()
        self._history = 0

    def run(self) -> None:
        """Raises Unexpected, httpx.HTTPError."""
        stage = self._stage
        stage.title(f"7. Eight weeks of warming: {self._name} follows a small schedule of its owner's")
        own = {f"phase_{i}": _phase(*numbers) for i, numbers in enumerate(zip(FIRST_LIMITS, RISES, strict=True), 1)}
        stage.expect(stage.api.put("/v1/warming/schedules", json={"phases": own}), 200)
        self._register()
        seen: list[str] = []
        for day in range(1, DAYS + 1):
            if day in (1, BAD_FROM, BAD_UNTIL):
                self._set_rates(BAD if day == BAD_FROM else HEALTHY)
            if day == BAD_UNTIL:
                stage.expect(stage.api.post(f"{self._path}/warming/resume"), 200)
            seen.append(self._live_a_day(day))
        for phase in ("phase_1", "phase_2", "phase_3", "paused", "phase_4", "warmed"):
            stage.check(f"it was {phase}", phase in seen, True)
        warming = stage.expect(stage.api.get(f"{self._path}/warming"), 200)
        stage.see("after eight weeks it is", warming["phase"], "warmed")
        stage.expect(stage.api.put("/v1/warming/schedules", json={"preset": "standard"}), 200)

    def _register(self) -> None:
        """A domain of `/v1`, verified, and an account on it whose owner does not wait for its warmup."""
        stage = self._stage
        made = stage.expect(stage.api.post("/v1/domains", json={"domain": self._name, "type": "outbound"}), 201)
        ticks.advance(timedelta(minutes=10, seconds=5))
        verified = stage.expect(stage.api.post(f"{self._path}/verify"), 200)
        stage.check(f"POST {self._path}/verify: {verified['summary']}", verified["verified"], True)
        request = {"username": "pat", "domain_id": made["id"]}
        account = stage.expect(stage.api.post("/api/email/accounts", json=request), 201)["account"]
        change = {"warmup_enabled": False}
        stage.expect(stage.api.patch(f"/api/email/accounts/{account['id']}", json=change), 200)

    def _live_a_day(self, day: int) -> str:
        """Send all that the day allows and a little more, let its webhooks come in, and end it; the phase it had."""
        stage = self._stage
        warming = stage.expect(stage.api.get(f"{self._path}/warming"), 200)
        limit = warming["remaining_today"] if warming["phase"] != "warmed" else 300
        sent = self._send(limit) if limit else 0
        refusal = self._refusal() if warming["phase"] != "warmed" else "not limited any more"
        self._drain()
        metrics = stage.expect(stage.api.get(f"{self._path}/warming"), 200)["metrics"]
        date = ticks.now(stage.home)[:10]
        figures = f"7 days: bounced {metrics['bounce_rate']:6.2%}  complained {metrics['complaint_rate']:6.2%}"
        stage.say(
            f"     day {day:2}  {date}  {warming['phase']:8} limit {limit:4}  sent {sent:4}  {refusal:28}  {figures}"
        )
        self._tell_transitions()
        self._next_day(warming)
        self._tell_transitions()
        return str(warming["phase"])

    def _send(self, recipients: int) -> int:
        """Messages to so many people, in one call; how many were admitted."""
        people = [f"p{next(self._people)}@inbox.example" for _ in range(recipients)]
        emails = [
            {"from": f"pat@{self._name}", "to": people[i : i + RECIPIENTS], "subject": "News", "text_body": "Hello"}
            for i in range(0, recipients, RECIPIENTS)
        ]
        told = self._stage.expect(self._stage.api.post("/v1/send/batch", json={"emails": emails}), 202)
        pairs = zip(emails, told["results"], strict=True)
        return sum(len(email["to"]) for email, result in pairs if result["status"] == "queued")

    def _refusal(self) -> str:
        """What one message more is told."""
        email = {"from": f"pat@{self._name}", "to": ["one@inbox.example"], "subject": "More", "text_body": "Hello"}
        answer = self._stage.api.post("/v1/send", json=email)
        told = self._stage.expect(answer, 403, 429)
        if answer.status_code == 403:
            return f"403 {told['error']}"
        return f"429 {told['limit_type']}, in {timedelta(seconds=told['retry_after_seconds'])}"

    def _drain(self) -> None:
        """Wait until every webhook of the day was taken, and until what it called for was done."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._stage.expect(self._stage.sandbox.get("/_admin/webhooks"), 200)["pending"]:
            if time.monotonic() > deadline:
                raise Unexpected("webhooks are still pending")
            time.sleep(0.02)

    def _next_day(self, warming: dict[str, Any]) -> None:
        """Midnight, and the poller that judges each domain whose day has ended."""
        now = datetime.strptime(ticks.now(self._stage.home), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=5, second=0)
        ticks.advance(midnight - now, self._stage.home)
        if self._stage.expect(self._stage.api.get(f"{self._path}/warming"), 200)["phase"] == "paused":
            return
        ticks.tick("advance-warming", self._stage.engine_url)
        deadline = time.monotonic() + DEADLINE_SECONDS
        before = (warming["phase"], warming["days_in_current_phase"])
        while time.monotonic() < deadline:
            found = self._stage.expect(self._stage.api.get(f"{self._path}/warming"), 200)
            if (found["phase"], found["days_in_current_phase"]) != before:
                return
            time.sleep(0.05)
        raise Unexpected("the day was not judged")

    def _tell_transitions(self) -> None:
        entries = self._stage.expect(self._stage.api.get(f"{self._path}/warming/history"), 200)["history"]
        for entry in reversed(entries[: len(entries) - self._history]):
            why = entry.get("detail") or entry["reason"]
            self._stage.say(f"       {entry['from_phase']} → {entry['to_phase']}: {why}")
        self._history = len(entries)

    def _set_rates(self, rates: dict[str, float]) -> None:
        self._stage.expect(self._stage.sandbox.post("/_admin/settings", json={"rates": {self._name: rates}}), 200, 204)


def _phase(first: int, rise: float) -> dict[str, Any]:
    """A phase of twelve days; whoever wants to may send a whole day's mail in one minute."""
    limits = [round(first + rise * day) for day in range(STEPS)]
    steps = [{"daily_limit": limit, "hourly_limit": limit, "per_minute_limit": limit} for limit in limits]
    return {"steps": steps, "min_days": 7, "min_volume": 3 * limits[0]}
