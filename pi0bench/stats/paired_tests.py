"""Two success rates on the same episodes: their difference, its interval, and a test."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy.optimize import root_scalar
from scipy.stats import binomtest, norm

from pi0bench.stats.success_intervals import Interval


@dataclass(frozen=True)
class Paired:
    """The first rate minus the second, on `n` episodes that both were measured on.

    Attributes:
        n: pairs.
        only_first: pairs in which only the first succeeded.
        only_second: pairs in which only the second did.
        interval: of the difference.
        p: of a test that the rates are equal.
    """

    n: int
    only_first: int
    only_second: int
    interval: Interval
    p: float

    @property
    def difference(self) -> float:
        """The first rate minus the second, in [-1, 1]; 0 without pairs."""
        return (self.only_first - self.only_second) / self.n if self.n else 0.0


@dataclass(frozen=True)
class Methods:
    """How two rates on the same episodes are compared.

    Attributes:
        interval: of their difference, from the pairs that only the first and only the second
            solved, all pairs, and the level.
        test: the p of equal rates, from the first two of these.
    """

    interval: Callable[[int, int, int, float], Interval]
    test: Callable[[int, int], float]


def paired(
    first: Sequence[bool],
    second: Sequence[bool],
    level: float = 0.95,
    methods: Methods | None = None,
) -> Paired:
    """Compare two outcomes of each episode.

    Args:
        first: success of each episode under the first condition.
        second: success of the same episodes, in the same order, under the second.
        level: the coverage that the interval aims at.
        methods: of interval and test; `FIXED` when not given.
    """
    methods = methods or FIXED
    pairs = list(zip(first, second, strict=True))
    n = len(pairs)
    only_first = sum(one and not other for one, other in pairs)
    only_second = sum(other and not one for one, other in pairs)
    interval = methods.interval(only_first, only_second, n, level)
    return Paired(n, only_first, only_second, interval, methods.test(only_first, only_second))


@functools.lru_cache(maxsize=4096)
def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of equal rates; 1 when no pair tells the two apart."""
    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0


@functools.lru_cache(maxsize=4096)
def tango(only_first: int, only_second: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of the difference of two rates over `n` pairs.

    It holds every difference d that the score test does not reject, |T(d)| ≤ z with

        T(d) = (b - c - n·d) / √(n·(2q + d·(1 - d))),

    b and c the pairs that tell the two apart and q the likeliest rate of the latter, given d.

    Pairs from several tasks may be pooled: fixed numbers of episodes a task make the difference
    vary less than this interval supposes, never more.

    Edge cases: without pairs it is [-1, 1]; without discordant ones ±z²/(n + z²), the limit of
    the formula, so it is never of zero width; when every pair is discordant the same way, it
    ends at 1 or -1 exactly.

    Source: Tango 1998, "Equivalence test and confidence interval for the difference in
    proportions for the paired-sample design".
    """
    b, c = only_first, only_second
    if min(b, c) < 0 or b + c > n:
        raise ValueError(f"{b} and {c} discordant pairs of {n}")
    if n == 0:
        return Interval(-1.0, 1.0)
    z2 = float(norm.ppf((1 + level) / 2)) ** 2

    def excess(d: float) -> float:
        """(T² - z²) times T's denominator: negative inside the interval, positive outside."""
        minus_b = b + c - (2 * n - b + c) * d
        q = (math.sqrt(max(minus_b**2 + 8 * n * c * d * (1 - d), 0.0)) + minus_b) / (4 * n)
        return (b - c - n * d) ** 2 - z2 * n * (2 * q + d * (1 - d))

    def end(inside: float, outside: float) -> float:
        return float(root_scalar(excess, bracket=(inside, outside), method="brentq").root)

    # At the estimate itself `excess` may be 0, which is no end; a little beside, it is negative.
    estimate, step = (b - c) / n, 1e-9
    low = -1.0 if c == n else end(estimate - step, -1.0)
    high = 1.0 if b == n else end(estimate + step, 1.0)
    return Interval(low, high)


FIXED = Methods(tango, mcnemar)
"""For a number of episodes that was fixed before: Tango's interval and McNemar's exact test."""
