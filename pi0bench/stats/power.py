"""What so many shared episodes can resolve."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import root_scalar
from scipy.stats import binom


def correlation(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Return the correlation of two outcomes of the same episodes; None where one is constant."""
    one, other = np.asarray(first, float), np.asarray(second, float)
    if len(one) < 2 or not one.std() or not other.std():
        return None
    return float(np.corrcoef(one, other)[0, 1])


def power(higher: float, lower: float, rho: float, n: int, alpha: float = 0.05) -> float:
    """Return how often exact McNemar tells two rates apart on `n` shared episodes.

    Args:
        higher: one rate.
        lower: the other.
        rho: correlation of the two outcomes of an episode; beyond what these rates allow, the
            nearest that they do.
        n: episodes.
        alpha: the test's level, two-sided.

    Source: Duffy 1984, "Asymptotic and exact power for the McNemar test and its analogue".
    """
    joint = rho * math.sqrt(higher * (1 - higher) * lower * (1 - lower))
    both = min(max(higher * lower + joint, max(0.0, higher + lower - 1)), lower)
    only_higher, only_lower = higher - both, lower - both
    discordant = only_higher + only_lower
    if discordant <= 0:
        return 0.0
    counts = np.arange(n + 1)
    fewest = _fewest(n, alpha)  # a count at most this, or as far from the other end, rejects
    share = only_higher / discordant
    rejects = binom.cdf(fewest, counts, share) + binom.sf(counts - fewest - 1, counts, share)
    return float(np.sum(binom.pmf(counts, n, discordant) * np.where(fewest >= 0, rejects, 0.0)))


def resolvable(
    rate: float, rho: float, n: int, wanted: float = 0.8, alpha: float = 0.05
) -> float | None:
    """Return the smallest difference that `n` shared episodes tell with probability `wanted`.

    Args:
        rate: the mean of the two rates.
        rho: correlation of the two outcomes of an episode.
        n: episodes.
        wanted: the power.
        alpha: the level of exact McNemar, two-sided.

    Returns:
        A difference of rates; None when even the largest possible one is told less often.
    """
    most = 2 * min(rate, 1 - rate)

    def lacking(difference: float) -> float:
        return power(rate + difference / 2, rate - difference / 2, rho, n, alpha) - wanted

    if most <= 0 or n < 1 or lacking(most) < 0:
        return None
    return float(root_scalar(lacking, bracket=(0.0, most), method="brentq", xtol=1e-4).root)


@functools.lru_cache(maxsize=64)
def _fewest(n: int, alpha: float) -> np.ndarray:
    """For 0 to n discordant pairs the largest count of one side that still rejects, else -1."""
    counts = np.arange(n + 1)
    near = binom.ppf(alpha / 2, counts, 0.5).astype(int)
    return np.where(2 * binom.cdf(near, counts, 0.5) <= alpha, near, near - 1)
