"""The result of a run: the search for an order, the invariants, and the figures."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.system.gate.accounts import figures, violations
from tests.system.gate.run import Outcome


@dataclass(frozen=True)
class Judgement:
    """`faults` describes what is wrong; it is empty for a correct gate."""

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
    """Check the history of every item separately: linearizability is compositional."""
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
    """Combine the results of several runs."""
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
