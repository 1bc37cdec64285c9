"""Means over tasks, bootstrapped: for these tasks, and for others like them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pi0bench.stats.success_intervals import Interval

DRAWS = 10_000


def stratified(
    tasks: Sequence[Sequence[float]], seed: int, level: float = 0.95, draws: int = DRAWS
) -> Interval:
    """Return the percentile interval of the mean of the tasks' means, for these same tasks.

    Args:
        tasks: a value an episode, such as a difference of two successes or of partial credit.
        seed: of the draws.
        level: the coverage that it aims at.
        draws: resamplings of every task's episodes.

    Source: Efron and Tibshirani 1993, chapter 13; Agarwal et al. 2021 for its use across tasks.
    """
    rng = np.random.default_rng(seed)
    means = np.mean([_means(np.asarray(task, float), rng, draws) for task in tasks], axis=0)
    return _percentiles(means, level)


def hierarchical(
    tasks: Sequence[Sequence[float]], seed: int, level: float = 0.95, draws: int = DRAWS
) -> Interval:
    """Return the same for tasks of the same kind: tasks are drawn, then each one's episodes.

    With fewer than eight tasks it is too narrow to be trusted.

    Source: Davison and Hinkley 1997, section 3.8.
    """
    rng = np.random.default_rng(seed)
    of_task = np.stack([_means(np.asarray(task, float), rng, draws) for task in tasks])
    chosen = rng.integers(len(tasks), size=(len(tasks), draws))
    return _percentiles(np.take_along_axis(of_task, chosen, axis=0).mean(axis=0), level)


def _means(
    values: NDArray[np.floating], rng: np.random.Generator, draws: int
) -> NDArray[np.floating]:
    """Means of `draws` resamplings, (draws,)."""
    return values[rng.integers(len(values), size=(draws, len(values)))].mean(axis=1)


def _percentiles(means: NDArray[np.floating], level: float) -> Interval:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
