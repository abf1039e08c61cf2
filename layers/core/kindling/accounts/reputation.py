"""The reputation of an account by day, since Instantly tells the present one only. Pure."""

from datetime import date, timedelta
from typing import Self

from pydantic import BaseModel

# Kept with the account's row: about 300 bytes.
DAYS = 90


class DailyReputation(BaseModel):
    """Reputations of consecutive UTC days, 0 to 100, oldest first. None is a day on which none was read."""

    last_day: date
    values: list[int | None]

    @classmethod
    def with_day(cls, kept: Self | None, day: date, value: int) -> Self:
        """What is kept with the value of a later day, for up to `DAYS` days."""
        if kept is None:
            return cls(last_day=day, values=[value])
        unknown = [None] * ((day - kept.last_day).days - 1)
        return cls(last_day=day, values=[*kept.values, *unknown, value][-DAYS:])

    def until(self, today: date) -> list[tuple[date, int | None]]:
        """The days from the first one on to today, of which there are up to `DAYS`, each with its value."""
        unknown = [None] * (today - self.last_day).days
        values = [*self.values, *unknown][-DAYS:]
        first = self.last_day + timedelta(days=len(unknown) + 1 - len(values))
        return [(first + timedelta(days=number), value) for number, value in enumerate(values)]
