"""Intervals over trainings and start states: what they cover, and when they are the plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pi0bench.stats.success_intervals import clopper_pearson
from pi0bench.stats.training_seeds import (
    Table,
    crossed_mean,
    difference_interval,
    rate_interval,
)

LEVELS = np.linspace(-1.5, 1.5, 10)  # log-odds of ten tasks


def outcomes(
    rng: np.random.Generator, starts: NDArray[np.float64], training: float, trainings: int = 3
) -> Table:
    """Success of trainings that differ by `training` in log-odds, and half as much by task."""
    luck = rng.normal(0, training, (trainings, 1, 1))
    luck = luck + rng.normal(0, training / 2, (trainings, len(LEVELS), 1))
    odds = LEVELS[:, None] + luck + starts
    return (rng.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(float)


def rate(training: float, spread: float) -> float:
    deviates = np.random.default_rng(9).normal(0, np.hypot(training * 1.25**0.5, spread), 100_000)
    return float(np.mean([(1 / (1 + np.exp(-level - deviates))).mean() for level in LEVELS]))


@pytest.mark.parametrize("training", [0.0, 0.2, 0.5, 1.0])
def test_intervals_cover_what_they_promise(training: float) -> None:
    rng, draws, covered, apart = np.random.default_rng(0), 300, 0, 0
    true = rate(training, 1.0)
    for _ in range(draws):
        starts = rng.normal(0, 1, (1, len(LEVELS), 30))
        one, other = (outcomes(rng, starts, training) for _ in range(2))
        found = rate_interval(one)
        covered += found.low <= true <= found.high
        difference = difference_interval(one, other)
        apart += not difference.low <= 0 <= difference.high
    assert covered / draws > 0.92
    assert apart / draws < 0.08


def test_episodes_alone_would_promise_too_much() -> None:
    rng, draws, covered = np.random.default_rng(0), 200, 0
    for _ in range(draws):
        table = outcomes(rng, rng.normal(0, 1, (1, len(LEVELS), 30)), 0.5)
        found = clopper_pearson(int(table.sum()), table.size)
        covered += found.low <= rate(0.5, 1.0) <= found.high
    assert covered / draws < 0.6


def test_the_share_of_trainings_is_found() -> None:
    rng = np.random.default_rng(0)
    starts = rng.normal(0, 1, (1, len(LEVELS), 200))
    shares = [
        np.median([crossed_mean(outcomes(rng, starts, luck, 8)).of_training for _ in range(20)])
        for luck in (0.0, 1.0)
    ]
    assert shares[0] < 0.2
    assert shares[1] > 0.8


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_what_never_varies_is_counted_like_episodes(value: float) -> None:
    found = rate_interval(np.full((3, 2, 5), value))
    plain = clopper_pearson(int(30 * value), 30)
    assert (found.low, found.high) == pytest.approx((plain.low, plain.high))


def test_one_training_is_not_enough() -> None:
    with pytest.raises(ValueError, match="1 trainings, 5 start states: two of each"):
        crossed_mean(np.zeros((1, 2, 5)))
