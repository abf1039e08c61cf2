"""The tests behind the verdicts: is a rate above its threshold, given how few recipients there were and how days vary.

Both are one-sided and exact. Recipients of many days are taken as independent (binomial). Recipients of one day share a
list and a subject, so that days differ by more than chance: one day is tested with the variation that the domain's
earlier days show (beta-binomial).
"""

from collections.abc import Callable, Iterable
from math import exp, lgamma, log, log1p, sqrt

# By how much a domain's days vary is unknown before days with this weight; a day with very many reports weighs 1, and
# one with this expected number of events a quarter of that, since chance hides its variation.
KNOWN_DAYS = 4
FEW_EVENTS = 10
# The coefficient of variation that is assumed before, with the weight of one day.
PRIOR_VARIATION = 0.3
# The sum of a tail ends with the term that adds less than this share.
PRECISION = 1e-10
# The quantile of the normal distribution for a two-sided interval of 95 %.
NORMAL_95 = 1.96


def confident_above(events: int, trials: int, threshold: float, confidence: float, variation: float = 0.0) -> bool:
    """Whether the true rate is above `threshold` with `confidence`, when rates vary by `variation`."""
    chance = 1 - confidence
    return tail(events, trials, threshold, variation, enough=chance) < chance


def tail(events: int, trials: int, rate: float, variation: float = 0.0, *, enough: float = 1.0) -> float:
    """The probability of `events` or more among `trials` at `rate`; 1.0 when there are not more than expected.

    `variation` is the coefficient of variation of the rate from day to day. More events than trials mean that reports
    about recipients are missing: they count as if all recipients had one. A probability above `enough` is not computed
    to the end, which would take long for large and uneven days.
    """
    trials = max(trials, events)
    if events <= trials * rate:
        return 1.0
    ways = lgamma(trials + 1) - lgamma(events + 1) - lgamma(trials - events + 1)
    # The parameters of the beta distribution with this mean and variation.
    size = (1 - rate) / (rate * variation**2) - 1 if variation else 0.0
    if size <= 0:
        term = exp(ways + events * log(rate) + (trials - events) * log1p(-rate))
        return _sum(term, events, trials, enough, lambda k: (trials - k) / (k + 1) * rate / (1 - rate))
    a, b = rate * size, (1 - rate) * size
    term = exp(ways + _log_beta(events + a, trials - events + b) - _log_beta(a, b))
    return _sum(term, events, trials, enough, lambda k: (trials - k) / (k + 1) * (a + k) / (b + trials - k - 1))


def interval(events: int, trials: int) -> tuple[float, float]:
    """Between which rates the true one lies with 95 % confidence, to be drawn: Wilson's interval, from 0 to 1."""
    n, z = max(trials, events), NORMAL_95
    if not n:
        return 0.0, 1.0
    rate, spread = events / n, z * z / n
    middle = (rate + spread / 2) / (1 + spread)
    half = z * sqrt(rate * (1 - rate) / n + spread / (4 * n)) / (1 + spread)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def variation(days: Iterable[tuple[int, int]]) -> float | None:
    """The coefficient of variation of the rate from day to day, given the recipients and the events of each day.

    None while too little is known. The estimate is the mean of what the days show beyond chance. A day weighs the
    more, the more events it would have at the mean rate.
    """
    known = list(days)
    rate = sum(events for _, events in known) / max(sum(trials for trials, _ in known), 1)
    total, weights = PRIOR_VARIATION**2, 1.0
    for trials, events in known:
        expected = trials * rate
        if expected:
            weight = (expected / (FEW_EVENTS + expected)) ** 2
            total += weight * ((events - expected) ** 2 - expected) / expected**2
            weights += weight
    return None if weights < 1 + KNOWN_DAYS else sqrt(max(total / weights, 0.0))


def _sum(term: float, first: int, last: int, enough: float, ratio: Callable[[int], float]) -> float:
    """The sum of the terms from `first` to `last`, of which `ratio` gives that of the next one to each."""
    total = term
    for k in range(first, last):
        if total >= enough or term <= total * PRECISION:
            break
        term *= ratio(k)
        total += term
    return total


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
