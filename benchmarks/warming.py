"""Simulates the warming policy: `.venv/bin/python benchmarks/warming.py`; `--write` updates docs/warming.md.

Thousands of simulated domains run through warming under the production policy; see tests/simulation.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from benchmarks.page import row, write
from kindling.warming import policy
from tests.simulation import naive
from tests.simulation.figures import Caught, Kept, upper_bound
from tests.simulation.life import Kind, Life, Rates, live
from tests.simulation.memory import Judge

BEGIN, END = "<!-- simulation: benchmarks/warming.py --write -->", "<!-- end of simulation -->"
EIGHT_WEEKS, TEN_WEEKS, TWENTY_WEEKS = 56, 70, 140

HEALTHY = Rates(bounces=0.01, complaints=0.0005)
COMPLAINED_OF = Rates(bounces=0.01, complaints=0.005)
BOUNCING = Rates(bounces=0.08, complaints=0.0005)
ANNOYING, SLOPPY = Rates(bounces=0.01, complaints=0.001), Rates(bounces=0.03, complaints=0.0005)


@dataclass(frozen=True)
class Population:
    """`number` domains of a kind, simulated for up to `most` days."""

    kind: Kind
    number: int
    most: int = EIGHT_WEEKS
    patient: bool = True
    judge: Judge = policy.judge


STANDARD = Kind("full limit", HEALTHY)
GOOD = [
    Population(kind, number, TWENTY_WEEKS)
    for kind, number in (
        (STANDARD, 2_000),
        (replace(STANDARD, name="half of the limit", share=1 / 2), 200),
        (replace(STANDARD, name="a third of the limit", share=1 / 3), 200),
        (replace(STANDARD, name="Monday to Friday", weekdays=True), 200),
        (replace(STANDARD, name="rates that vary by half from day to day", uneven=0.5), 300),
        (replace(STANDARD, name="full limit", schedule="tiered"), 500),
        (replace(STANDARD, name="full limit", schedule="outreach"), 2_000),
    )
]
BORDERLINE = [
    Population(Kind("0.1 % complaints, 1 % bounces", ANNOYING), 300, TEN_WEEKS),
    Population(Kind("3 % bounces, 0.05 % complaints", SLOPPY), 300, TEN_WEEKS),
]
BAD = [
    Population(Kind(name, rates, schedule, then=then), number, patient=False)
    for schedule, number in (("standard", 1_000), ("tiered", 500), ("outreach", 500))
    for name, rates, then in (
        ("0.5 % complaints from the first day", COMPLAINED_OF, None),
        ("8 % bounces from the first day", BOUNCING, None),
        ("0.5 % complaints from day 28 on", HEALTHY, COMPLAINED_OF),
        ("8 % bounces from day 28 on", HEALTHY, BOUNCING),
    )
]
# The number of domains for each of the other rules.
COMPARED = 500
RULES = {
    "Kindling's": policy.judge,
    "raw rate, at every report": naive.at_every_report,
    "raw rate, once a day": naive.once_a_day,
    "raw rate, at every report from 1,000 recipients on": naive.with_a_floor,
}


def main() -> int:
    """Simulate, and print or write the tables. Returns 1 when a limit was exceeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the domains; 0.05 for a quick run")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/warming.md")
    args = parser.parse_args()
    began = time.monotonic()
    with multiprocessing.Pool(args.jobs) as pool:
        simulation = Simulation(pool, args.seed, args.scale)
        text = "\n".join([*_good(simulation), *_bad(simulation), *_borderline(simulation), *_rules(simulation)])
    head = f"Seed {args.seed}, {simulation.domains:,} domains, {simulation.sent / 1e9:.1f} thousand million recipients"
    if simulation.faults:
        print("\n".join(simulation.faults[:20]))
        return 1
    text = f"{head}; no limit was ever exceeded, and none rose within a day.\n\n{text}"
    print(f"{text}\n{time.monotonic() - began:.0f} seconds in {args.jobs} processes.")
    if args.write:
        write("warming.md", BEGIN, END, text)
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
            lives = self.pool.map(partial(_live, population), seeds, chunksize=10)
            print(f"{population.kind.schedule}, {population.kind.name}", file=sys.stderr, flush=True)
            self.domains += len(lives)
            self.sent += sum(life.sent for life in lives)
            self.faults += [fault for life in lives for fault in life.faults]
            self._known[population] = lives
        return self._known[population]


def _live(population: Population, seed: str) -> Life:
    return live(
        population.kind,
        f"{population.kind.name} {population.kind.schedule} {seed}",
        days=EIGHT_WEEKS,
        most=population.most,
        patient=population.patient,
        judge=population.judge,
    )


def _good(simulation: Simulation) -> Iterable[str]:
    yield "**Healthy domains** (0.05 % complaints, 1 % bounces), eight weeks each; `≤` is the 95 % upper bound.\n"
    yield "| schedule | sends | domains | weeks stopped, falsely | domains ever stopped | stepped back |" + (
        " warmed by week 8 | by week 10 | median | 95 % by |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for population in GOOD:
        kept = Kept.of(simulation.lives(population))
        yield row(
            population.kind.schedule,
            population.kind.name,
            f"{kept.domains:,}",
            f"{kept.stopped_weeks} of {kept.weeks:,}: {kept.stopped_share:.3%} (≤ {kept.bound:.3%})",
            f"{kept.stopped_domains} (≤ {upper_bound(kept.stopped_domains, kept.domains):.2%})",
            f"{kept.steps_back:,}",
            f"{kept.warmed_by(8):.0%}",
            f"{kept.warmed_by(10):.0%}",
            _day(kept.warmed_after(0.5)),
            _day(kept.warmed_after(0.95)),
        )


def _bad(simulation: Simulation) -> Iterable[str]:
    yield "\n**Bad domains**, within eight weeks: recipients from the first bad day on until the first stop.\n"
    yield "| schedule | domain | domains | stopped | median | 95 % by | 99 % by | most |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for population in BAD:
        caught = Caught.of(simulation.lives(population), turned=population.kind.then is not None)
        recipients = [f"{round(caught.after(share)):,}" for share in (0.5, 0.95, 0.99, 1)]
        yield row(
            population.kind.schedule, population.kind.name, f"{caught.domains:,}", f"{caught.share:.1%}", *recipients
        )


def _borderline(simulation: Simulation) -> Iterable[str]:
    yield "\n**Borderline domains** on the standard schedule, ten weeks each; owners resume at the next midnight.\n"
    yield "| domain | domains | ever stopped | suspended | steps back per domain | warmed by week 10 | median volume |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for population in (*BORDERLINE, GOOD[0]):
        lives = simulation.lives(population)
        kept = Kept.of(lives)
        name = "healthy, for comparison" if population is GOOD[0] else population.kind.name
        volume = sorted(life.sent for life in lives)[len(lives) // 2]
        yield row(
            name,
            f"{kept.domains:,}",
            f"{kept.stopped_domains / kept.domains:.1%}",
            f"{kept.suspended / kept.domains:.1%}",
            f"{kept.steps_back / kept.domains:.2f}",
            f"{kept.warmed_by(10):.0%}",
            f"{volume:,}",
        )


def _rules(simulation: Simulation) -> Iterable[str]:
    yield "\n**Other rules for the same healthy domains** (the first of those above).\n"
    yield "| rule | domains | weeks with a stop | domains ever stopped | warmed by week 8 | by week 10 |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, judge in RULES.items():
        other = replace(GOOD[0], judge=judge, most=TEN_WEEKS, number=COMPARED)
        lives = simulation.lives(GOOD[0] if judge is policy.judge else other)[: other.number]
        kept = Kept.of(lives)
        yield row(
            name,
            f"{kept.domains:,}",
            f"{kept.stopped_share:.2%}",
            f"{kept.stopped_domains / kept.domains:.1%}",
            f"{kept.warmed_by(8):.0%}",
            f"{kept.warmed_by(10):.0%}",
        )


def _day(day: float | None) -> str:
    return "never" if day is None else f"day {day:.0f}"


if __name__ == "__main__":
    sys.exit(main())
