"""Simulates the warming policy: `.venv/bin/python -m benchmarks.warming`; `--write` updates docs/warming.md.

Hundreds of simulated domains of each kind run through warming under the production policy; see tests/simulation.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from benchmarks import plots
from benchmarks.page import row, write
from kindling.warming import policy
from kindling.warming.statistics import confident_above
from tests.simulation import naive
from tests.simulation.figures import Caught, Kept, at_most, quantile
from tests.simulation.life import MONDAY_TO_FRIDAY, Kind, Life, Rates, Rhythm, live, live_together
from tests.simulation.memory import Judge

BEGIN, END = "<!-- simulation: benchmarks/warming.py --write -->", "<!-- end of simulation -->"
EIGHT_WEEKS, TWENTY_WEEKS = 56, 140

HEALTHY = Rates(bounces=0.01, complaints=0.0005)
NEWSLETTER = Rates(bounces=0.01, complaints=0.0002)
SLOPPY = Rates(bounces=0.019, complaints=0.0005)
COMPLAINED_OF, VERY_COMPLAINED_OF = Rates(bounces=0.01, complaints=0.005), Rates(bounces=0.01, complaints=0.01)
BOUNCING = Rates(bounces=0.08, complaints=0.0005)
TERRIBLE = Rates(bounces=0.2, complaints=0.02)


class Before(NamedTuple):
    """Recipients until the stop under the policy of version 0.1, and the share of the domains that it stopped."""

    median: int
    most: int  # the 95 % quantile
    stopped: float = 1.0


@dataclass(frozen=True)
class Population:
    """`number` domains of a kind, simulated for `days` days, and until they are warmed for up to `most`.

    `before` is what was measured of the policy of version 0.1, if it was: of healthy domains, the share of weeks with a
    stop.
    """

    kind: Kind
    number: int
    most: int = EIGHT_WEEKS
    days: int = EIGHT_WEEKS
    patient: bool = True
    judge: Judge = policy.judge
    before: Before | float | None = None


def healthy(
    name: str,
    number: int,
    most: int = EIGHT_WEEKS,
    rates: Rates = HEALTHY,
    before: float | None = None,
    **fields: object,
) -> Population:
    """Domains that should never be stopped."""
    return Population(Kind(name, rates, **fields), number, most, before=before)  # type: ignore[arg-type]


def bad(
    name: str,
    number: int,
    rates: Rates,
    before: Before | None = None,
    days: int = EIGHT_WEEKS,
    **fields: object,
) -> Population:
    """Domains that should be stopped, which nobody resumes."""
    kind = Kind(name, rates, **fields)  # type: ignore[arg-type]
    return Population(kind, number, most=days, days=days, patient=False, before=before)


HOLIDAYS = ((8, 7), (24, 7), (38, 7), (52, 7))
DAILY = healthy("daily", 150, TWENTY_WEEKS, before=0.00013)
RHYTHMS = [
    DAILY,
    healthy("Monday to Friday", 50, TWENTY_WEEKS, before=0.0, rhythm=MONDAY_TO_FRIDAY),
    healthy("twice a week", 150, TWENTY_WEEKS, rhythm=Rhythm((1, 3))),
    healthy("weekly", 100, TWENTY_WEEKS, NEWSLETTER, rhythm=Rhythm((2,))),
    healthy("weekly, `tiered`", 100, TWENTY_WEEKS, NEWSLETTER, rhythm=Rhythm((2,)), schedule="tiered"),
    healthy("every other week", 100, TWENTY_WEEKS, NEWSLETTER, rhythm=Rhythm((2,), weeks=2)),
    healthy("daily, a week of holiday in each phase", 50, TWENTY_WEEKS, rhythm=Rhythm(holidays=HOLIDAYS)),
    healthy("daily, `outreach`", 200, TWENTY_WEEKS, before=0.00031, schedule="outreach"),
    healthy("daily, `agentmail`", 200, TWENTY_WEEKS, schedule="agentmail"),
    healthy(
        "daily, `tiered`, and a holiday once warmed", 50, 49, schedule="tiered", rhythm=Rhythm(holidays=((30, 7),))
    ),
    healthy("60 % at Gmail", 150, gmail=0.6),
    healthy("90 % at Gmail", 100, gmail=0.9),
    healthy("half of the limit", 200, before=0.0, share=0.5),
    healthy("three quarters of the limit", 50, TWENTY_WEEKS, share=0.75),
]
UNEVEN = [
    healthy("1 % bounces, varying by 0.5", 100, before=0.0, uneven=0.5),
    healthy("1 % bounces, varying by 1", 120, uneven=1.0),
    healthy("1.9 % bounces, varying by 0.5", 50, rates=SLOPPY, uneven=0.5),
    healthy("1.9 % bounces, varying by 1", 240, before=0.24, rates=SLOPPY, uneven=1.0),
]
UNKNOWN = [
    healthy("half of the reports never come", 60, reported=0.5),
    healthy("no report ever comes", 60, reported=0.0),
    healthy("half of the deliveries are reported after two days", 60, late=0.5),
    healthy("all deliveries are reported after two days", 60, late=1.0),
    Population(Kind("half of the reports never come, 0.5 % complaints", COMPLAINED_OF, reported=0.5), 20),
    Population(Kind("no report ever comes, 0.5 % complaints", COMPLAINED_OF, reported=0.0), 20),
    Population(Kind("all at Gmail, 0.5 % complaints", COMPLAINED_OF, gmail=1.0), 20),
]
BAD = [
    bad("0.5 % complaints from the first day", 300, COMPLAINED_OF, Before(1_068, 3_500)),
    bad("1 % complaints from the first day", 300, VERY_COMPLAINED_OF, Before(375, 1_200)),
    bad("8 % bounces from the first day", 300, BOUNCING, Before(300, 1_092)),
    bad("0.5 % complaints from day 28 on", 80, HEALTHY, Before(15_000, 20_000), then=COMPLAINED_OF),
    bad("8 % bounces from day 28 on", 100, HEALTHY, Before(2_508, 2_544), then=BOUNCING),
    bad("20 % bounces and 2 % complaints from day 28 on", 80, HEALTHY, Before(2_502, 2_516), then=TERRIBLE),
    bad("warmed, 2 % complaints from day 77 on", 20, HEALTHY, days=91, then=Rates(0.01, 0.02), turns_on=77),
    bad("`tiered`, 0.5 % complaints from the first day", 100, COMPLAINED_OF, Before(1_100, 3_400), schedule="tiered"),
    bad("`tiered`, 8 % bounces from the first day", 100, BOUNCING, Before(305, 916), schedule="tiered"),
    bad(
        "`tiered`, 0.5 % complaints from day 28 on",
        40,
        HEALTHY,
        Before(100_000, 100_000),
        schedule="tiered",
        then=COMPLAINED_OF,
    ),
    bad("`tiered`, 8 % bounces from day 28 on", 40, HEALTHY, Before(25_010, 25_044), schedule="tiered", then=BOUNCING),
    bad(
        "`outreach`, 0.5 % complaints from the first day",
        100,
        COMPLAINED_OF,
        Before(767, 1_596, stopped=0.666),
        schedule="outreach",
    ),
    bad(
        "`outreach`, 8 % bounces from the first day",
        100,
        BOUNCING,
        Before(231, 650, stopped=0.794),
        schedule="outreach",
    ),
    bad(
        "`outreach`, 0.5 % complaints from day 28 on",
        200,
        HEALTHY,
        Before(572, 1_411, stopped=0.538),
        schedule="outreach",
        then=COMPLAINED_OF,
    ),
    bad(
        "`outreach`, 8 % bounces from day 28 on",
        100,
        HEALTHY,
        Before(331, 650, stopped=0.613),
        schedule="outreach",
        then=BOUNCING,
    ),
    bad("60 % at Gmail, 0.5 % complaints", 100, COMPLAINED_OF, gmail=0.6),
    bad("90 % at Gmail, 0.5 % complaints", 100, COMPLAINED_OF, gmail=0.9),
    bad("half of the reports never come, 8 % bounces", 100, BOUNCING, reported=0.5),
    bad("drift: bounces rise from 1 % by a tenth of that a day", 40, HEALTHY, drift=0.1),
    bad(
        "alternation: 10 % bounces every second day", 50, HEALTHY, then=Rates(0.1, 0.0005), turns_on=0, alternates=True
    ),
    bad("dilution: half of the mail to oneself, 0.5 % complaints", 100, COMPLAINED_OF, own=0.5),
]
# The rates whose tests are compared with the smallest number of recipients that could tell.
SMALLEST = {BAD[0]: (0.005, 0.001), BAD[1]: (0.01, 0.001), BAD[2]: (0.08, 0.05)}
AGAIN = [
    Population(Kind("0.5 % complaints, resumed after each pause", COMPLAINED_OF), 60),
    Population(Kind("0.5 % complaints, registered again after each pause", COMPLAINED_OF, registers_again=True), 60),
]
TOGETHER = Kind("0.3 % complaints, `outreach`", Rates(0.01, 0.003), schedule="outreach")
# The number of domains for each of the other rules.
COMPARED = 60
RULES = {
    "Kindling's": policy.judge,
    "raw rate, at every report": naive.at_every_report,
    "raw rate, once a day": naive.once_a_day,
    "raw rate, at every report from 1,000 recipients on": naive.with_a_floor,
}
SHOWN = {
    "healthy": Kind("A healthy domain on the standard schedule", HEALTHY),
    "weekly": Kind("A weekly newsletter on `tiered`", NEWSLETTER, schedule="tiered", rhythm=Rhythm((2,))),
    "uneven": Kind("A domain whose bounces vary from day to day", SLOPPY, uneven=1.0),
    "bad": Kind("A domain with 0.5 % complaints, resumed after each pause", COMPLAINED_OF),
    "silent": Kind("A healthy domain, half of whose reports never come", HEALTHY, reported=0.5),
}


def main() -> int:
    """Simulate, and print or write the tables and plots. Returns 1 when a limit was exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the domains; 0.05 for a quick run")
    parser.add_argument("--write", action="store_true", help="write the tables and plots into docs/")
    args = parser.parse_args()
    began = time.monotonic()
    with multiprocessing.Pool(args.jobs) as pool:
        simulation = Simulation(pool, args.seed, args.scale)
        parts = (_rhythms, _uneven, _unknown, _bad, _again, _together, _rules)
        text = "\n".join(line for part in parts for line in part(simulation))
    head = f"Seed {args.seed}, {simulation.domains:,} domains, {simulation.sent / 1e9:.1f} thousand million recipients"
    if simulation.faults:
        print("\n".join(simulation.faults[:20]))
        return 1
    text = f"{head}; no limit was ever exceeded, and none rose within a day.\n\n{text}"
    print(f"{text}\n{time.monotonic() - began:.0f} seconds in {args.jobs} processes.")
    if args.write:
        write("warming.md", BEGIN, END, text)
        for name, kind in SHOWN.items():
            plots.write(
                f"warming-{name}.svg", plots.life(kind.name, live(kind, f"{kind.name} {args.seed}", days=84, most=84))
            )
        plots.write("warming-power.svg", plots.power())
    return 0


class Simulation:
    """Simulates populations and caches the results."""

    def __init__(self, pool: "multiprocessing.pool.Pool", seed: int, scale: float) -> None:
        self.pool, self.seed, self.scale = pool, seed, scale
        self.domains, self.sent, self.faults = 0, 0, list[str]()
        self._known: dict[Population, list[Life]] = {}

    def lives(self, population: Population) -> list[Life]:
        """A domain's seed depends on its number only, so that policies are compared on the same domains."""
        if population not in self._known:
            seeds = [f"{self.seed} {i}" for i in range(max(round(population.number * self.scale), 1))]
            lives = self.pool.map(partial(_live, population), seeds, chunksize=5)
            print(f"{population.kind.schedule}, {population.kind.name}", file=sys.stderr, flush=True)
            self.count(lives)
            self._known[population] = lives
        return self._known[population]

    def count(self, lives: list[Life]) -> None:
        self.domains += len(lives)
        self.sent += sum(life.sent for life in lives)
        self.faults += [fault for life in lives for fault in life.faults]


def _live(population: Population, seed: str) -> Life:
    return live(
        population.kind,
        f"{population.kind.name} {population.kind.schedule} {seed}",
        days=population.days,
        most=population.most,
        patient=population.patient,
        judge=population.judge,
    )


HEADS = (
    "| domains | number | weeks stopped, falsely | before | ever stopped | limit lowered | stepped back "
    "| warmed by week 8 | by week 20 | limit after 8 weeks |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def _rhythms(simulation: Simulation) -> Iterable[str]:
    yield "**Healthy domains** (0.05 % complaints, newsletters 0.02 %, 1 % bounces), eight weeks each. `≤` is the 95 %"
    yield "upper bound, *before* the share under the policy of version 0.1, where it was measured; lowered limits and"
    yield "steps back are per domain, the limit is the median.\n"
    yield from _kept(simulation, RHYTHMS)


def _uneven(simulation: Simulation) -> Iterable[str]:
    yield "\n**Rates that vary from day to day** by a gamma distribution with this coefficient of variation.\n"
    yield from _kept(simulation, UNEVEN)


def _unknown(simulation: Simulation) -> Iterable[str]:
    yield "\n**Missing and late reports.** What is not known holds a domain where it is.\n"
    yield from _kept(simulation, UNKNOWN)


def _kept(simulation: Simulation, populations: list[Population]) -> Iterable[str]:
    yield HEADS
    for population in populations:
        lives = simulation.lives(population)
        kept = Kept.of(lives)
        limits = quantile([life.limits[min(EIGHT_WEEKS, len(life.limits)) - 1] for life in lives], 0.5)
        yield row(
            population.kind.name,
            f"{kept.domains:,}",
            f"{kept.stopped_weeks} of {kept.weeks:,}: {kept.stopped_share:.2%} (≤ {kept.bound:.2%})",
            "" if population.before is None else f"{population.before:.2%}",
            f"{kept.stopped_domains}",
            f"{sum(life.lowered for life in lives) / kept.domains:.2f}",
            f"{kept.steps_back / kept.domains:.2f}",
            f"{kept.warmed_by(8):.0%}",
            f"{kept.warmed_by(20):.0%}" if population.most >= TWENTY_WEEKS else "",
            f"{limits:,.0f}",
        )


def _bad(simulation: Simulation) -> Iterable[str]:
    yield "\n**Bad domains**, within eight weeks, a warmed one within thirteen: recipients from the first bad day on"
    yield "until the first pause or suspension: the median, and the 95 % quantile of those stopped. *Before* are the"
    yield "figures of version 0.1; where it stopped a smaller share, *as many now* are those after which as many are"
    yield "stopped now. *Fewest* is the number of recipients of whom half of all such domains would show a rate above"
    yield "the threshold with 95 % confidence, in a single look; beside it the median when reports take no time, as a"
    yield "multiple of that.\n"
    yield "| domain | number | stopped | median / 95 % | before | as many now | fewest |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for population in BAD:
        turned = population.kind.then is not None
        caught = Caught.of(simulation.lives(population), turned=turned)
        before = as_many = fewest = ""
        if isinstance(population.before, Before):
            median, most, stopped = population.before
            before = f"{median:,} / {most:,}"
            if stopped < 1:
                before = f"{before}, of {stopped:.1%}"
                as_many = _both(caught.after_of_all(share * stopped) for share in (0.5, 0.95))
        if population in SMALLEST:
            smallest = _smallest(*SMALLEST[population])
            at_once = replace(population, kind=replace(population.kind, instant=True))
            seen = Caught.of(simulation.lives(at_once), turned=turned).after(0.5)
            fewest = f"{smallest}: {seen / smallest:.2f} times"
        yield row(
            population.kind.name,
            f"{caught.domains:,}",
            f"{caught.share:.1%}",
            _both(caught.after(share) for share in (0.5, 0.95)) if caught.sent else "",
            before,
            as_many,
            fewest,
        )


def _both(recipients: Iterable[float]) -> str:
    return " / ".join(f"{count:,.0f}" for count in recipients)


def _smallest(rate: float, threshold: float) -> int:
    """The smallest number of recipients whose median count of events is above `threshold` with 95 % confidence."""
    recipients = 1
    while not confident_above(_median(recipients, rate), recipients, threshold, 0.95):
        recipients += 1
    return recipients


def _median(trials: int, rate: float) -> int:
    """The median of the binomial distribution."""
    return next(events for events in range(trials + 1) if at_most(events, trials, rate) >= 0.5)


def _again(simulation: Simulation) -> Iterable[str]:
    yield "\n**Going on after a stop**, within eight weeks. The name remembers: a new registration gains nothing.\n"
    yield "| domain | number | suspended | recipients, median | 95 % |"
    yield "| --- | --- | --- | --- | --- |"
    for population in AGAIN:
        lives = simulation.lives(population)
        sent = [life.sent for life in lives]
        suspended = sum(life.suspended for life in lives) / len(lives)
        yield row(
            population.kind.name,
            f"{len(lives):,}",
            f"{suspended:.0%}",
            f"{quantile(sent, 0.5):,}",
            f"{quantile(sent, 0.95):,}",
        )


def _together(simulation: Simulation) -> Iterable[str]:
    yield "\n**A hundred domains of one tenant**, each too small to tell much, against the same domains one by one:"
    yield f"eight weeks, {TOGETHER.name}.\n"
    yield "| judged | recipients of all | limit after 8 weeks, median |"
    yield "| --- | --- | --- |"
    number = max(round(100 * simulation.scale), 6)
    alone = simulation.lives(Population(TOGETHER, number))
    together = live_together(
        TOGETHER, [f"{TOGETHER.name} {TOGETHER.schedule} {simulation.seed} {i}" for i in range(number)], EIGHT_WEEKS
    )
    simulation.count(together)
    for name, lives in (("one by one", alone), ("together", together)):
        limits = quantile([life.limits[-1] for life in lives], 0.5)
        yield row(name, f"{sum(life.sent for life in lives):,}", f"{limits:,.0f}")


def _rules(simulation: Simulation) -> Iterable[str]:
    yield "\n**Other rules for the same healthy domains** (the first of those above).\n"
    yield "| rule | domains | weeks with a stop | domains ever stopped | warmed by week 10 |"
    yield "| --- | --- | --- | --- | --- |"
    for name, judge in RULES.items():
        other = replace(DAILY, judge=judge, most=70, number=COMPARED)
        lives = simulation.lives(DAILY if judge is policy.judge else other)[: other.number]
        kept = Kept.of(lives)
        yield row(
            name,
            f"{kept.domains:,}",
            f"{kept.stopped_share:.2%}",
            f"{kept.stopped_domains / kept.domains:.1%}",
            f"{kept.warmed_by(10):.0%}",
        )


if __name__ == "__main__":
    sys.exit(main())
