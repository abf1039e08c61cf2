"""The last part of the walk-through: eight weeks of a domain's warming in about a minute."""

import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from local import ticks
from local.walkthrough import DEADLINE_SECONDS, Session, Unexpected

DAYS = 56
PHASE_DAYS = 9
FIRST_LIMITS = (5, 24, 60, 130)
RISES = (1.5, 3, 5, 10)
RECIPIENTS = 50
# What is sent in a day once the domain is warmed, whose limit follows that.
WARMED_DAY = 300

HEALTHY = {"delivery": 0.99, "bounce": 0.01, "complaint": 0.0003, "open": 0.3}
BAD = {"delivery": 0.65, "bounce": 0.35, "complaint": 0.0003, "open": 0.1}
# As with a real provider, an outcome is known some time after the send was answered: a report that overtakes the answer
# is about an unknown message, and counts for nothing.
OUTCOME_SECONDS = 0.5
# The day from which mail bounces, as with a purchased list, and the day on which the paused warming is resumed.
BAD_FROM, BAD_UNTIL = 22, 25


class EightWeeks:
    """One domain from its first day to the phase `warmed`."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._path = f"/v1/domains/{name}"
        self._recipient_numbers: Iterator[int] = itertools.count()
        self._history = 0

    def run(self) -> None:
        """Run all days. Raises Unexpected, httpx.HTTPError."""
        session = self._session
        session.title(f"7. Eight weeks of warming: {self._name} follows a tenant's own small schedule")
        phases = {f"phase_{i}": _phase(*numbers) for i, numbers in enumerate(zip(FIRST_LIMITS, RISES, strict=True), 1)}
        session.expect(session.api.put("/v1/warming/schedules", json={"phases": phases}), 200)
        self._register()
        seen_phases: list[str] = []
        for day in range(1, DAYS + 1):
            if day in (1, BAD_FROM, BAD_UNTIL):
                self._set_rates(BAD if day == BAD_FROM else HEALTHY)
            if day == BAD_UNTIL:
                session.expect(session.api.post(f"{self._path}/warming/resume"), 200)
            seen_phases.append(self._run_day(day))
        for phase in ("phase_1", "phase_2", "phase_3", "paused", "phase_4", "warmed"):
            session.check(f"it was {phase}", phase in seen_phases, True)
        warming = session.expect(session.api.get(f"{self._path}/warming"), 200)
        session.see("after eight weeks it is", warming["phase"], "warmed")

    def _register(self) -> None:
        """Create and verify a domain, and create an account with warmup disabled, which may send at once."""
        session = self._session
        made = session.expect(session.api.post("/v1/domains", json={"domain": self._name, "type": "outbound"}), 201)
        ticks.advance(timedelta(minutes=10, seconds=5))
        verified = session.expect(session.api.post(f"{self._path}/verify"), 200)
        session.check(f"POST {self._path}/verify: {verified['summary']}", verified["verified"], True)
        request = {"username": "pat", "domain_id": made["id"]}
        account = session.expect(session.api.post("/api/email/accounts", json=request), 201)["account"]
        change = {"warmup_enabled": False}
        session.expect(session.api.patch(f"/api/email/accounts/{account['id']}", json=change), 200)

    def _run_day(self, day: int) -> str:
        """Send up to the day's limit and one message more, process the webhooks, end the day; the day's phase."""
        session = self._session
        warming = session.expect(session.api.get(f"{self._path}/warming"), 200)
        limit, room = warming["current_limits"]["daily_limit"], warming["remaining_today"]
        wanted = min(room, WARMED_DAY) if warming["phase"] == "warmed" else room
        sent = self._send(wanted) if wanted else 0
        refusal = self._refusal() if sent == room else f"room for {room - sent:,} more"
        self._drain()
        metrics = session.expect(session.api.get(f"{self._path}/warming"), 200)["metrics"]
        date = ticks.now(session.home)[:10]
        figures = f"7 days: bounced {metrics['bounce_rate']:6.2%}  complained {metrics['complaint_rate']:6.2%}"
        session.say(
            f"     day {day:2}  {date}  {warming['phase']:8} limit {limit:4}  sent {sent:4}  {refusal:28}  {figures}"
        )
        self._print_transitions()
        self._next_day(warming)
        self._print_transitions()
        return str(warming["phase"])

    def _send(self, recipients: int) -> int:
        """Send to `recipients` new addresses in one batch; the number of recipients admitted."""
        addresses = [f"p{next(self._recipient_numbers)}@inbox.example" for _ in range(recipients)]
        emails = [
            {"from": f"pat@{self._name}", "to": addresses[i : i + RECIPIENTS], "subject": "News", "text_body": "Hello"}
            for i in range(0, recipients, RECIPIENTS)
        ]
        body = self._session.expect(self._session.api.post("/v1/send/batch", json={"emails": emails}), 202)
        pairs = zip(emails, body["results"], strict=True)
        return sum(len(email["to"]) for email, result in pairs if result["status"] == "queued")

    def _refusal(self) -> str:
        """Send one message more and return its refusal as text."""
        email = {"from": f"pat@{self._name}", "to": ["one@inbox.example"], "subject": "More", "text_body": "Hello"}
        answer = self._session.api.post("/v1/send", json=email)
        body = self._session.expect(answer, 403, 429)
        if answer.status_code == 403:
            return f"403 {body['error']}"
        return f"429 {body['limit_type']}, in {timedelta(seconds=body['retry_after_seconds'])}"

    def _drain(self) -> None:
        """Wait until the sandbox has delivered every webhook of the day."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self._session.expect(self._session.sandbox.get("/_admin/webhooks"), 200)["pending"]:
            if time.monotonic() > deadline:
                raise Unexpected("webhooks are still pending")
            time.sleep(0.02)

    def _next_day(self, warming: dict[str, Any]) -> None:
        """Move the clock past the first hour of a day, run the poller, and wait for its evaluation."""
        now = datetime.strptime(ticks.now(self._session.home), "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
        morning = (now + timedelta(days=1)).replace(hour=1, minute=0, second=0)
        ticks.advance(morning - now, self._session.home)
        if self._session.expect(self._session.api.get(f"{self._path}/warming"), 200)["phase"] == "paused":
            return
        ticks.tick("advance-warming", self._session.engine_url)
        deadline = time.monotonic() + DEADLINE_SECONDS
        before = (warming["phase"], warming["days_in_current_phase"])
        while time.monotonic() < deadline:
            current = self._session.expect(self._session.api.get(f"{self._path}/warming"), 200)
            if (current["phase"], current["days_in_current_phase"]) != before:
                return
            time.sleep(0.05)
        raise Unexpected("the day was not evaluated")

    def _print_transitions(self) -> None:
        entries = self._session.expect(self._session.api.get(f"{self._path}/warming/history"), 200)["history"]
        for entry in reversed(entries[: len(entries) - self._history]):
            why = entry.get("detail") or entry["reason"]
            self._session.say(f"       {entry['from_phase']} → {entry['to_phase']}: {why}")
        self._history = len(entries)

    def _set_rates(self, rates: dict[str, float]) -> None:
        settings = {"rates": {self._name: rates}, "webhook_delay_seconds": OUTCOME_SECONDS}
        self._session.expect(self._session.sandbox.post("/_admin/settings", json=settings), 200, 204)


def _phase(first: int, rise: float) -> dict[str, Any]:
    """A phase of PHASE_DAYS daily limits, which may be used up within one minute."""
    limits = [round(first + rise * day) for day in range(PHASE_DAYS)]
    steps = [{"daily_limit": limit, "hourly_limit": limit, "per_minute_limit": limit} for limit in limits]
    return {"steps": steps, "min_days": 7, "min_volume": 3 * limits[0]}
