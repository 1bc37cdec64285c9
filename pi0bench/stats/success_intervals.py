"""Confidence intervals for success rates that keep their promise at every n."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from scipy.stats import binomtest, quantile_test


@dataclass(frozen=True)
class Interval:
    """A closed interval."""

    low: float
    high: float


# A table asks for the same few counts over and over, and each answer takes milliseconds.
@functools.lru_cache(maxsize=4096)
def clopper_pearson(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the exact interval of a rate from `k` successes in `n` episodes.

    It covers the true rate with at least `level` for every rate and n. Edge cases: n = 0 gives
    [0, 1]; k = 0 has the lower end 0 and k = n the upper end 1, exactly, and the other end still
    spends only (1 - level) / 2, so that the same rule holds for every k.

    Source: Clopper and Pearson 1934.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} successes in {n} episodes")
    if n == 0:
        return Interval(0.0, 1.0)
    found = binomtest(k, n).proportion_ci(level, method="exact")
    return Interval(float(found.low), float(found.high))


Exact = Callable[[int, int, float], Interval]
"""An interval of a rate from successes, episodes and level, such as `clopper_pearson`."""


def bounded_mean(
    total: float, n: int, level: float = 0.95, exact: Exact = clopper_pearson
) -> Interval:
    """Return an interval for the mean of `n` values in [0, 1] that sum to `total`.

    Of all variables in [0, 1] with one mean, the 0-or-1 variable has the largest variance
    (x² ≤ x), so Clopper-Pearson is wider than needed; a fractional total is rounded outwards,
    down for the lower end and up for the upper one. n = 0 gives [0, 1].
    """
    # Sums of thirds must not be pushed over an integer by the last bit.
    low_k, high_k = math.floor(total + 1e-9), math.ceil(total - 1e-9)
    return Interval(exact(low_k, n, level).low, exact(high_k, n, level).high)


def pooled_mean(
    successes: Sequence[tuple[int, int]], level: float = 0.95, exact: Exact = clopper_pearson
) -> tuple[float, Interval]:
    """Return the mean of the tasks' success rates and its interval, for these same tasks.

    With equal n this is Clopper-Pearson on the pooled counts. It is conservative: the variance
    of the mean is Σ p(1-p) / (T²n) ≤ m(1-m) / (Tn) with m the mean rate, as p(1-p) is concave
    (Jensen); Hoeffding's theorem says the same of the tails themselves.

    With unequal n it is the same on T · min(n) episodes: Σ p(1-p)/n over T² is at most
    Σ p(1-p)/min(n) over T², the case above. (The usual T² / Σ 1/n is larger, but promises too
    much when the task with few episodes is the uncertain one.) Fractions are rounded outwards.

    Args:
        successes: (k, n) for each task; one without episodes has no rate and is refused.
        level: the coverage to keep.
        exact: the interval of a single rate.

    Source: Hoeffding 1956, "On the distribution of the number of successes in independent
    trials", theorem 5.
    """
    if not successes or any(n < 1 for _, n in successes):
        raise ValueError(f"a mean needs at least one episode of each task, not {successes}")
    mean = fmean(k / n for k, n in successes)
    effective = len(successes) * min(n for _, n in successes)
    return mean, bounded_mean(mean * effective, effective, level, exact)


def median_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """Return the interval of the median from order statistics, None below six values.

    With n ≤ 5 not even [min, max] covers the median with 95 %: both ends miss with 2 / 2ⁿ.

    Source: Conover 1999, section 3.2.
    """
    if not values:
        return None
    low, high = quantile_test(values, p=0.5).confidence_interval(level)
    return None if math.isnan(low) or math.isnan(high) else Interval(float(low), float(high))
