from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binom

from pi0bench.stats.confidence_sequences import (
    all_shown,
    confidence_sequence,
    difference_sequence,
    median_sequence,
    paired_evidence,
    paired_p,
)
from pi0bench.stats.paired_tests import tango
from pi0bench.stats.success_intervals import clopper_pearson

LOOKS = range(4, 200, 5)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (7, 3), (0, 12), (40, 41)])
def test_the_evidence_is_the_mixture_over_its_null(b: int, c: int) -> None:
    def integrand(angle: float) -> float:  # q = sin², which takes the ends' poles away
        q = math.sin(angle) ** 2
        return q**b * (1 - q) ** c * 2 / math.pi

    mixed, _ = quad(integrand, 0, math.pi / 2)
    assert paired_evidence(b, c) == pytest.approx(math.log(mixed * 2 ** (b + c)), abs=1e-8)
    assert paired_evidence(b, c) == paired_evidence(c, b)


def test_equal_rates_are_seldom_told_apart_however_often_one_looks() -> None:
    rng = np.random.default_rng(0)
    told = 0
    for _ in range(1000):
        firsts = np.cumsum(rng.random(200) < 0.5)
        looks = [paired_evidence(int(firsts[i]), i + 1 - int(firsts[i])) for i in LOOKS]
        told += max(looks) >= math.log(20)
    assert told / 1000 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1000)


def test_unequal_rates_are_told_apart() -> None:
    assert not all_shown([paired_evidence(6, 2)])
    assert all_shown([paired_evidence(12, 0)])


def test_several_are_shown_together_by_holm() -> None:
    enough_alone = math.log(21)
    assert all_shown([enough_alone])
    assert not all_shown([enough_alone, enough_alone])
    assert all_shown([enough_alone, math.log(41)])
    assert not all_shown([])


@pytest.mark.parametrize(("k", "n"), [(0, 0), (0, 50), (50, 50), (3, 10), (40, 50)])
def test_the_sequence_holds_the_rate_and_more_than_a_single_look(k: int, n: int) -> None:
    found, once = confidence_sequence(k, n), clopper_pearson(k, n)
    assert found.low <= once.low <= once.high <= found.high
    if n:
        assert found.low <= k / n <= found.high


def test_the_ends_are_where_the_mixture_gives_up() -> None:
    interval = confidence_sequence(13, 40)
    grid = (np.arange(4000) + 0.5) / 4000
    mixed = np.mean(binom.pmf(13, 40, np.sin(grid * np.pi / 2) ** 2))
    for end in (interval.low, interval.high):
        assert mixed / binom.pmf(13, 40, end) == pytest.approx(20, rel=1e-3)


def test_the_mean_of_unequal_tasks_is_covered_at_every_look() -> None:
    rng = np.random.default_rng(1)
    missed = 0
    for _ in range(300):
        counts = np.cumsum((rng.random((200, 3)) < [0.1, 0.6, 0.95]).sum(axis=1))
        intervals = [confidence_sequence(int(counts[i]), 3 * (i + 1)) for i in LOOKS]
        missed += any(not x.low <= 0.55 <= x.high for x in intervals)
    assert missed / 300 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


@pytest.mark.parametrize(
    ("b", "c", "n"), [(0, 0, 0), (0, 0, 9), (9, 0, 9), (12, 3, 50), (3, 12, 50), (40, 5, 200)]
)
def test_the_sequence_holds_the_difference_and_more_than_a_single_look(
    b: int, c: int, n: int
) -> None:
    found, once = difference_sequence(b, c, n), tango(b, c, n)
    assert -1 <= found.low <= once.low <= once.high <= found.high <= 1
    mirrored = difference_sequence(c, b, n)
    assert (found.low, found.high) == (-mirrored.high, -mirrored.low)


def test_differences_and_medians_are_covered_at_every_look() -> None:
    rng = np.random.default_rng(2)
    missed_difference = missed_median = 0
    for _ in range(100):
        pairs = rng.random(200)
        firsts, seconds = np.cumsum(pairs < 0.3), np.cumsum(pairs > 0.9)
        values = rng.exponential(size=200)
        differences = [difference_sequence(int(firsts[i]), int(seconds[i]), i + 1) for i in LOOKS]
        medians = [median_sequence(list(values[: i + 1])) for i in LOOKS]
        missed_difference += any(not d.low <= 0.2 <= d.high for d in differences)
        missed_median += any(m and not m.low <= math.log(2) <= m.high for m in medians)
    most = 5 + 3 * math.sqrt(100 * 0.05 * 0.95)
    assert missed_difference < most
    assert missed_median < most


def test_few_values_have_no_median_sequence() -> None:
    assert [median_sequence([1.0] * n) is None for n in (0, 6, 7)] == [True, True, False]


def test_the_p_of_a_pair_is_one_over_its_evidence() -> None:
    assert paired_p(0, 0) == 1.0
    assert paired_p(12, 0) == pytest.approx(math.exp(-paired_evidence(12, 0)))


def test_wrong_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="5 successes in 4 episodes"):
        confidence_sequence(5, 4)
