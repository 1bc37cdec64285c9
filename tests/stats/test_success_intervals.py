from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom

from pi0bench.stats.success_intervals import (
    Interval,
    bounded_mean,
    clopper_pearson,
    median_interval,
    pooled_mean,
)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 50, 0.0, 0.0711),
        (50, 50, 0.9289, 1.0),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (0, 1, 0.0, 0.975),
    ],
)
def test_known_values(k: int, n: int, low: float, high: float) -> None:
    found = clopper_pearson(k, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_edge_cases() -> None:
    assert clopper_pearson(0, 0) == Interval(0.0, 1.0)
    assert clopper_pearson(0, 7).low == 0.0
    assert clopper_pearson(7, 7).high == 1.0
    for k, n in ((-1, 5), (6, 5), (1, 0)):
        with pytest.raises(ValueError, match="successes in"):
            clopper_pearson(k, n)


def test_it_covers_every_rate_by_enumeration() -> None:
    n = 50
    intervals = [clopper_pearson(k, n) for k in range(n + 1)]
    for rate in np.linspace(0.001, 0.999, 499):
        covering = [k for k, found in enumerate(intervals) if found.low <= rate <= found.high]
        assert binom.pmf(covering, n, rate).sum() >= 0.95


def test_equal_counts_are_pooled() -> None:
    mean, found = pooled_mean([(50, 50), (25, 50), (0, 50)])
    assert mean == pytest.approx(0.5)
    assert found == clopper_pearson(75, 150)
    assert pooled_mean([(3, 7)]) == (3 / 7, clopper_pearson(3, 7))


def test_unequal_counts_promise_what_the_smallest_can_keep() -> None:
    mean, found = pooled_mean([(10, 10), (3, 5)])
    assert mean == pytest.approx(0.8)
    assert found == clopper_pearson(8, 10)
    # Ten episodes at 0.75 are 7.5 successes, rounded outwards.
    mean, found = pooled_mean([(4, 5), (7, 10)])
    assert mean == pytest.approx(0.75)
    assert found == Interval(clopper_pearson(7, 10).low, clopper_pearson(8, 10).high)
    assert found.low < mean < found.high


@pytest.mark.parametrize("successes", [[], [(0, 0)], [(1, 2), (0, 0)]])
def test_a_mean_needs_episodes(successes: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="at least one episode"):
        pooled_mean(successes)


@pytest.mark.parametrize(
    ("rates", "counts"),
    [
        ([0.5, 0.5, 0.5], [20, 20, 20]),
        ([0.99, 0.9, 0.6, 0.2], [10, 10, 10, 10]),
        ([0.02, 0.01], [15, 15]),
        ([1.0, 0.5], [40, 2]),
        ([0.98, 0.97, 0.6], [50, 50, 5]),
        ([0.1, 0.9, 0.3, 0.8], [3, 9, 12, 50]),
    ],
)
def test_the_mean_is_covered_by_simulation(rates: list[float], counts: list[int]) -> None:
    draws = 4000
    outcomes = np.random.default_rng(7).binomial(counts, rates, size=(draws, len(rates)))
    # Only so many different outcomes exist: ask for each once.
    kinds, often = np.unique(outcomes, axis=0, return_counts=True)
    covered = 0
    for kind, times in zip(kinds, often, strict=True):
        _, found = pooled_mean([(int(k), n) for k, n in zip(kind, counts, strict=True)])
        covered += int(times) * (found.low <= np.mean(rates) <= found.high)
    # The truth is ≥ 0.95; 0.007 is two standard errors of 4000 draws.
    assert covered / draws >= 0.95 - 0.007


def test_partial_credit_is_covered_by_simulation() -> None:
    rng = np.random.default_rng(3)
    for stages, weights in ((3, [0.1, 0.2, 0.1, 0.6]), (2, [0.5, 0.4, 0.1]), (1, [0.7, 0.3])):
        truth = np.dot(np.arange(stages + 1), weights) / stages
        values = rng.choice(stages + 1, p=weights, size=(2000, 20)) / stages
        found = [bounded_mean(float(v), 20) for v in values.sum(axis=1)]
        assert np.mean([f.low <= truth <= f.high for f in found]) >= 0.94


def test_sums_of_thirds_are_not_rounded_over_an_integer() -> None:
    assert bounded_mean(sum([1 / 3] * 6), 6) == clopper_pearson(2, 6)
    assert bounded_mean(sum([0.1] * 10), 10) == clopper_pearson(1, 10)


def test_the_median_needs_six_values() -> None:
    assert median_interval([]) is None
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0]) is None
    assert median_interval([6.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == Interval(1.0, 6.0)
    found = median_interval([float(v) for v in range(1, 21)])
    assert found == Interval(6.0, 15.0)  # Conover's table for n = 20


@pytest.mark.parametrize("n", [6, 11, 40])
def test_the_median_is_covered_by_simulation(n: int) -> None:
    draws = np.random.default_rng(n).exponential(size=(1000, n)).tolist()
    found = [median_interval(values) for values in draws]
    assert np.mean([f is not None and f.low <= np.log(2) <= f.high for f in found]) >= 0.95 - 0.014


def test_statistics_know_nothing_of_the_package() -> None:
    code = (
        "import sys\n"
        "import pi0bench\n"
        "before = set(sys.modules)\n"
        "import pi0bench.stats.success_intervals\n"
        "new = set(sys.modules) - before\n"
        "print([m for m in new if m.startswith('pi0bench.') and 'stats' not in m])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
