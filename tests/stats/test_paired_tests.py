from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from pi0bench.stats.paired_tests import mcnemar, paired, tango
from pi0bench.stats.success_intervals import Interval

Z2 = float(norm.ppf(0.975)) ** 2
COUNTS = [(0, 0, 20), (3, 1, 40), (12, 5, 50), (0, 7, 30), (20, 0, 20), (9, 9, 18), (1, 0, 1)]


def test_a_published_example() -> None:
    """Tango 1998: soft contact lenses, two ways of disinfection, 44 pairs, 1 discordant."""
    found = tango(0, 1, 44)
    assert (found.low, found.high) == pytest.approx((-0.118, 0.060), abs=2e-3)


@pytest.mark.parametrize(("b", "c", "n"), COUNTS)
def test_exchanging_the_sides_mirrors_the_interval(b: int, c: int, n: int) -> None:
    one, other = tango(b, c, n), tango(c, b, n)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert mcnemar(b, c) == mcnemar(c, b)
    assert -1.0 <= one.low <= (b - c) / n <= one.high <= 1.0
    assert one.low < one.high


def test_without_discordant_pairs_it_is_as_wide_as_n_allows() -> None:
    for n in (1, 10, 150, 5000):
        found, edge = tango(0, 0, n), Z2 / (n + Z2)
        assert (found.low, found.high) == pytest.approx((-edge, edge), abs=1e-6)
        assert mcnemar(0, 0) == 1.0


def test_without_pairs_nothing_is_known() -> None:
    found = paired([], [])
    assert (found.n, found.difference, found.p) == (0, 0.0, 1.0)
    assert found.interval == Interval(-1.0, 1.0)


def test_the_ends_are_reached_and_no_further() -> None:
    assert tango(20, 0, 20).high == 1.0
    assert tango(0, 20, 20).low == -1.0


def test_more_pairs_tell_more() -> None:
    widths = [(i := tango(k, k, 10 * k)).high - i.low for k in (1, 4, 16, 64)]
    assert widths == sorted(widths, reverse=True)
    wide, narrow = tango(6, 2, 40, level=0.99), tango(6, 2, 40, level=0.8)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("b", "c", "n"), [(-1, 0, 5), (3, 3, 5), (0, 1, 0)])
def test_impossible_counts_are_refused(b: int, c: int, n: int) -> None:
    with pytest.raises(ValueError, match="discordant pairs"):
        tango(b, c, n)


def test_outcomes_are_counted() -> None:
    found = paired([True, True, True, False], [True, False, False, True])
    assert (found.n, found.only_first, found.only_second) == (4, 2, 1)
    assert found.difference == 0.25
    with pytest.raises(ValueError, match="shorter"):
        paired([True], [])


def test_mcnemar_by_hand() -> None:
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    both_tails = 2 * sum(math.comb(10, k) for k in range(3)) / 2**10
    assert mcnemar(2, 8) == pytest.approx(both_tails)


@pytest.mark.parametrize(
    ("b", "c", "n"), [(0.1, 0.1, 50), (0.25, 0.05, 50), (0.02, 0.02, 150), (0.4, 0.1, 30)]
)
def test_the_difference_is_covered_by_simulation(b: float, c: float, n: int) -> None:
    draws = 4000
    outcomes = np.random.default_rng(11).multinomial(n, (b, c, 1 - b - c), size=draws)
    kinds, often = np.unique(outcomes[:, :2], axis=0, return_counts=True)
    covered = 0
    for (one, other), times in zip(kinds, often, strict=True):
        found = tango(int(one), int(other), n)
        covered += int(times) * (found.low <= b - c <= found.high)
    # A score interval keeps 95 % on average over rates, not at each; a point less is its habit.
    assert covered / draws >= 0.935
