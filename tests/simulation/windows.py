"""Which reports the policy could act on, so that a simulation asks it about those alone."""

from datetime import timedelta

from kindling.warming import policy
from kindling.warming.evidence import WEEK_DAYS, WEEKLY_RECIPIENTS, Evidence, Kind
from kindling.warming.statistics import confident_above
from tests.simulation.memory import Memory


class Windows:
    """The sums of the policy's windows, kept up with every report, without today's recipients."""

    def __init__(self, memory: Memory) -> None:
        found, bar = memory.evidence(), memory.schedule.thresholds
        self.memory = memory
        self.bounce, self.complaint = bar.pause_bounce_rate, bar.pause_complaint_rate
        self.today, self.judged_from = memory.today, memory.warming.judged_from
        self.found: Evidence | None = found
        week = (memory.instant.date() - timedelta(days=WEEK_DAYS)).isoformat()
        windows = [(found.today, found.of_today, True), (found.last_day, found.recent, True), (week, found.week, False)]
        if found.week.recipients < WEEKLY_RECIPIENTS:
            windows.append(("", found.month, False))
        self.sums: list[tuple[str, bool, int, int]] = [
            (since, is_day, tally.recipients - found.of_today.recipients, tally.listening - found.of_today.listening)
            for since, tally, is_day in windows
        ]
        self.events = [[tally.bounces, tally.complaints] for _, tally, _ in windows]

    def asks(self, day: str, sent: int, listening: int, *, complaint: bool) -> bool:
        """Count a report about mail of `day`; whether the policy could act, for which chance has to be unlikely.

        The other rate has only fallen since the last event of its own kind, after which nothing was done.
        """
        if day < self.judged_from:
            return False
        if day < self.today:
            self.found = None
        acts = False
        for (since, is_day, before, heard), events in zip(self.sums, self.events, strict=True):
            if day < since:
                continue
            events[complaint] += 1
            if acts:
                continue
            if complaint:
                acts = events[1] >= policy.MIN_COMPLAINTS and self.acts(
                    events[1], heard + listening, self.complaint, since if is_day else "", complaint=True
                )
            elif events[0] >= policy.GROSS_BOUNCES:
                gross = events[0] >= policy.GROSS_BOUNCE_RATE * (before + sent)
                acts = gross or self.acts(
                    events[0], before + sent, self.bounce, since if is_day else "", complaint=False
                )
        return acts

    def acts(self, events: int, trials: int, threshold: float, day: str, *, complaint: bool) -> bool:
        """Whether the policy acts on a rate of the weeks, or of the days since `day`, which lower the limit once."""
        if day and self.memory.warming.held_on < day:
            return confident_above(events, trials, threshold, policy.LOWER_CONFIDENCE)
        if not confident_above(events, trials, threshold, policy.PAUSE_CONFIDENCE):
            return False
        if not day:
            return True
        # Reports about earlier days change what is usual.
        self.found = self.found or self.memory.evidence()
        kind = Kind.COMPLAINTS if complaint else Kind.BOUNCES
        return not policy.day_is_usual(self.found, kind, events, trials, threshold)
