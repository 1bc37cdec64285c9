"""Statistics that stay valid however often one looks and whenever one stops.

Source: Ville 1939; Robbins 1970, "Statistical methods related to the law of the iterated
logarithm".
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

from scipy.optimize import root_scalar
from scipy.special import betaln, xlog1py, xlogy
from statsmodels.stats.multitest import multipletests

from pi0bench.stats.paired_tests import Methods
from pi0bench.stats.success_intervals import Interval

_HALF = betaln(0.5, 0.5)


def paired_evidence(first_only: int, second_only: int) -> float:
    """Return the logarithm of the e-value against two rates being equal on the same episodes.

    Of the episodes that only one of the two solves, each is the first's with probability 1/2 if the
    rates are equal; the alternative is a mixture, Beta(1/2, 1/2), over all other probabilities. If
    they are equal, an e-value of 1/alpha is ever reached with probability alpha at most.

    Args:
        first_only: episodes that only the first solved.
        second_only: episodes that only the second solved.
    """
    told = first_only + second_only
    return float(betaln(first_only + 0.5, second_only + 0.5) - _HALF + told * math.log(2))


def paired_p(first_only: int, second_only: int) -> float:
    """Return a p of equal rates on the same episodes that holds at every look."""
    return _p(paired_evidence(first_only, second_only))


def _p(log: float) -> float:
    """The p-value of an e-value's logarithm (Ville)."""
    return math.exp(-max(0.0, log))


def all_shown(evidence: Sequence[float], level: float = 0.95) -> bool:
    """True when each of several equalities is rejected, all together at `level` (Holm).

    Args:
        evidence: logarithms of e-values; the inverse of an e-value is a p-value (Ville).
        level: 1 less the probability of any wrong rejection.
    """
    values = [_p(log) for log in evidence]
    return bool(values) and bool(multipletests(values, 1 - level, method="holm")[0].all())


@functools.lru_cache(maxsize=4096)
def confidence_sequence(k: int, n: int, level: float = 0.95) -> Interval:
    """Return an interval of a rate that holds at every n at once, from `k` successes so far.

    All rates against which the mixture of binomials holds no e-value of 1 / (1 - level). It also
    holds for the mean rate of several tasks when each has had as many episodes: the product of
    the tasks' factors expects at most what equal rates would (AM-GM).
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} successes in {n} episodes")
    mixed = betaln(k + 0.5, n - k + 0.5) - _HALF

    def excess(rate: float) -> float:
        return float(mixed - xlogy(k, rate) - xlog1py(n - k, -rate)) + math.log(1 - level)

    def end(outer: float) -> float:
        return float(root_scalar(excess, bracket=sorted((outer, k / n)), method="brentq").root)

    return Interval(end(1e-12) if k else 0.0, end(1 - 1e-12) if k < n else 1.0)


def difference_sequence(first_only: int, second_only: int, n: int, level: float = 0.95) -> Interval:
    """Return an interval of the difference of two rates over `n` pairs that holds at every n.

    The rates of the pairs that only the first and only the second solved lie in confidence
    sequences, each missed with half of 1 - level, so that their difference lies between the ends.
    """
    one, other = (confidence_sequence(k, n, (1 + level) / 2) for k in (first_only, second_only))
    return Interval(one.low - other.high, one.high - other.low)


def median_sequence(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Return an interval of the median that holds at every number of values; None for few.

    All numbers of which the share of `values` below may be one half (see `confidence_sequence`).
    """
    ordered, n = sorted(values), len(values)
    halves = (k for k in range(n + 1) if confidence_sequence(k, n, level).high >= 0.5)
    fewest = next(halves)
    return Interval(ordered[fewest - 1], ordered[n - fewest]) if fewest else None


SEQUENTIAL = Methods(difference_sequence, paired_p)
"""For runs that look at their results on the way."""
