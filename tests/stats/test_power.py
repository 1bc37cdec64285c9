from __future__ import annotations

import numpy as np
import pytest

from pi0bench.stats.paired_tests import mcnemar
from pi0bench.stats.power import correlation, power, resolvable


@pytest.mark.parametrize(
    ("higher", "lower", "rho", "n"),
    [(0.7, 0.5, 0.6, 44), (0.7, 0.6, 0.6, 161), (0.9, 0.8, 0.3, 155), (0.7, 0.5, 0.0, 103)],
)
def test_published_sample_sizes_have_80_percent(
    higher: float, lower: float, rho: float, n: int
) -> None:
    assert power(higher, lower, rho, n) == pytest.approx(0.8, abs=0.03)


def test_power_is_the_share_of_rejections() -> None:
    rng = np.random.default_rng(0)
    both, only_higher, only_lower = 0.48, 0.22, 0.07
    counts = rng.multinomial(60, [both, only_higher, only_lower, 0.23], size=4000)
    share = np.mean([mcnemar(int(b), int(c)) < 0.05 for _, b, c, _ in counts])
    rho = (both - 0.7 * 0.55) / np.sqrt(0.7 * 0.3 * 0.55 * 0.45)
    assert power(0.7, 0.55, float(rho), 60) == pytest.approx(share, abs=0.02)


def test_without_a_difference_it_keeps_the_level() -> None:
    assert 0 < power(0.6, 0.6, 0.5, 200) <= 0.05
    assert power(0.6, 0.6, 1.0, 200) == 0  # no pair tells them apart


def test_more_episodes_resolve_less() -> None:
    found = [resolvable(0.65, 0.5, n) for n in (50, 200, 500)]
    assert all(found)
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]
    difference = found[1] or 0.0
    reached = power(0.65 + difference / 2, 0.65 - difference / 2, 0.5, 200)
    assert reached == pytest.approx(0.8, abs=2e-3)


def test_what_cannot_be_resolved_is_none() -> None:
    assert resolvable(0.65, 0.0, 3) is None
    assert resolvable(1.0, 0.0, 500) is None
    assert resolvable(0.5, 0.0, 0) is None


def test_the_correlation_of_constants_is_none() -> None:
    assert correlation([True, True], [True, False]) is None
    assert correlation([True, False, True], [True, False, True]) == pytest.approx(1)
    assert correlation([True, False], [False, True]) == pytest.approx(-1)
