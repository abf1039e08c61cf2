"""The exact tests behind the verdicts, against sums of their terms."""

from math import comb, exp, lgamma

import pytest

from kindling.warming import statistics
from kindling.warming.statistics import confident_above, tail, variation

# Above 0.1 % and 0.3 % of complaints, above 3 % and 5 % of bounces, each with 95 % confidence.
SMALLEST = {
    50: (1, 2, 5, 6),
    200: (2, 3, 11, 16),
    700: (3, 6, 30, 46),
    1_000: (4, 7, 40, 63),
    5_000: (10, 23, 171, 277),
    20_000: (29, 74, 641, 1_052),
}


def beta_binomial(events: int, trials: int, rate: float, varies: float) -> float:
    """The probability of exactly `events`, when the rate of a day is drawn from a beta distribution."""
    size = (1 - rate) / (rate * varies**2) - 1
    a, b = rate * size, (1 - rate) * size

    def log_beta(x: float, y: float) -> float:
        return lgamma(x) + lgamma(y) - lgamma(x + y)

    return comb(trials, events) * exp(log_beta(events + a, trials - events + b) - log_beta(a, b))


@pytest.mark.parametrize("sent", SMALLEST)
def test_the_smallest_counts_that_give_95_percent_confidence_are_the_exact_ones(sent: int) -> None:
    for smallest, rate in zip(SMALLEST[sent], (0.001, 0.003, 0.03, 0.05), strict=True):
        assert confident_above(smallest, sent, rate, 0.95)
        assert not confident_above(smallest - 1, sent, rate, 0.95)


def test_the_tail_is_the_sum_of_the_binomial_terms() -> None:
    assert tail(2, 2, 0.1) == pytest.approx(0.01)
    assert tail(2, 3, 0.1) == pytest.approx(3 * 0.01 * 0.9 + 0.001)
    assert tail(1, 1_000, 0.0005) == pytest.approx(1 - 0.9995**1_000)


@pytest.mark.parametrize("varies", [0.1, 0.5, 1.0])
def test_the_tail_of_uneven_days_is_the_sum_of_the_beta_binomial_terms(varies: float) -> None:
    terms = [beta_binomial(events, 300, 0.05, varies) for events in range(30, 301)]
    assert tail(30, 300, 0.05, varies) == pytest.approx(sum(terms), rel=1e-6)


def test_uneven_days_explain_more_than_chance_does() -> None:
    tails = [tail(120, 1_000, 0.05, varies) for varies in (0.0, 0.1, 0.3, 0.6, 1.0)]
    assert tails == sorted(tails)
    assert tails[0] < 1e-9
    assert tails[-1] > 0.05


@pytest.mark.parametrize("events", [0, 5])
def test_no_more_than_expected_proves_nothing(events: int) -> None:
    assert tail(events, 50, 0.1) == 1
    assert tail(0, 0, 0.1) == 1


def test_more_reports_than_recipients_are_the_strongest_evidence_there_is() -> None:
    assert tail(51, 50, 0.1) == pytest.approx(0.1**51)
    assert tail(3, 0, 0.1) == pytest.approx(0.001)


def test_the_largest_numbers_are_judged_too() -> None:
    assert confident_above(1_000_000_000, 1_000_000_000, 0.001, 0.995)
    assert not confident_above(1_000_000, 1_000_000_000, 0.001, 0.995)
    assert confident_above(1_003_000, 1_000_000_000, 0.001, 0.995)


@pytest.mark.parametrize("days", [[], [(100, 0), (0, 0)], [(10_000_000, 100_000)] * 3, [(1_000, 10)] * 15])
def test_by_how_much_a_domain_varies_is_unknown_without_enough_of_a_past(days: list[tuple[int, int]]) -> None:
    assert variation(days) is None


def known(days: list[tuple[int, int]]) -> float:
    found = variation(days)
    assert found is not None
    return found


def test_a_domain_is_known_by_four_days_with_very_many_reports_or_sixteen_with_some() -> None:
    assert known([(10**12, 10**10)] * 5) < statistics.PRIOR_VARIATION
    assert known([(1_000, 10)] * 16) < statistics.PRIOR_VARIATION


def test_even_days_tell_that_a_domain_does_not_vary() -> None:
    even = [(10_000, 100)] * 20
    assert known(even[:6]) > known(even[:10]) > known(even)
    assert known(even) < 0.12


def test_uneven_days_tell_by_how_much_a_domain_varies() -> None:
    assert variation([(10_000, 50), (10_000, 150)] * 200) == pytest.approx(0.5, abs=0.02)


def test_days_with_few_reports_tell_less() -> None:
    few, many = known([(1_000, 0), (1_000, 20)] * 15), known([(10_000, 0), (10_000, 200)] * 15)
    assert few < many == pytest.approx(1, abs=0.05)


def test_what_chance_explains_is_no_variation() -> None:
    # (0.3² + 6 · (50/60)² · (0 - 50)/50²) / (1 + 6 · (50/60)²), and its root.
    assert variation([(1_000, 50)] * 6) == pytest.approx(0.0359, abs=0.0005)
