"""The verdict over a run: the search for an order, the accounts, and the figures to quote."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.system.gate.accounts import figures, violations
from tests.system.gate.run import Outcome


@dataclass(frozen=True)
class Judgement:
    """`faults` says in words what is wrong, and is empty for a gate that holds."""

    faults: list[str]
    figures: Counter[str]
    seconds: float
    checker_seconds: float
    most_configurations: int

    @property
    def sentence(self) -> str:
        parts = [f"{count:,} {name}" for name, count in self.figures.items() if count]
        rate = self.figures["decisions"] / self.seconds
        return (
            f"{', '.join(parts)}; {self.seconds:.0f} s, {rate:.0f} decisions/s, "
            f"checked in {self.checker_seconds:.1f} s of processor time, "
            f"at most {self.most_configurations} configurations, {len(self.faults)} faults"
        )


def judge(outcome: Outcome) -> Judgement:
    """Check every item's history by itself: a whole is linearizable when each of its parts is."""
    faults: list[str] = []
    total: Counter[str] = Counter()
    most = 0
    began = time.process_time()
    for number, history in enumerate(outcome.histories):
        total.update(figures(history))
        faults += [f"item {number}: {violation}" for violation in violations(history)]
        verdict = history.check()
        most = max(most, verdict.most_configurations)
        if verdict.stuck:
            faults.append(f"item {number}: no order explains {verdict.stuck}")
    return Judgement(faults, total, outcome.seconds, time.process_time() - began, most)


def together(judgements: Sequence[Judgement]) -> Judgement:
    """Several runs as if they had been one."""
    total: Counter[str] = Counter()
    for judgement in judgements:
        total.update(judgement.figures)
    return Judgement(
        [fault for judgement in judgements for fault in judgement.faults],
        total,
        sum(judgement.seconds for judgement in judgements),
        sum(judgement.checker_seconds for judgement in judgements),
        max(judgement.most_configurations for judgement in judgements),
    )
