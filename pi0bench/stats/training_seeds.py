"""Intervals of rates and differences over both kinds of chance: trainings and start states.

All trainings of a policy act from the same start states, so the two are crossed: a training that
went badly lowers all of its episodes, a hard start state those of all trainings. Letters: S
trainings, T tasks, E start states of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, norm, t

from pi0bench.stats.success_intervals import Interval

Table = NDArray[np.float64]
"""Outcomes, or differences of two, (S, T, E)."""


@dataclass(frozen=True)
class CrossedMean:
    """The mean of a table over trainings, tasks and start states.

    Attributes:
        mean: of everything.
        variance: of that mean, over new trainings and new start states of these same tasks.
        freedom: degrees of freedom of that variance.
        of_training: how much of the variance comes from trainings, a share.
    """

    mean: float
    variance: float
    freedom: float
    of_training: float


def crossed_mean(table: Table) -> CrossedMean:
    """The mean and how far it is to be trusted.

    Mean squares of trainings (a), of start states within tasks (b) and of what is left (e) have
    the expectations of a crossed design without replication, so that (a + b - e) / (S T E)
    estimates the variance of the mean without bias; its degrees of freedom are Satterthwaite's.

    Raises:
        ValueError: there are fewer than two trainings or two start states.

    Source: Searle, Casella and McCulloch 1992, chapter 4; Satterthwaite 1946.
    """
    trainings, tasks, starts = table.shape
    if trainings < 2 or starts < 2:
        raise ValueError(f"{trainings} trainings, {starts} start states: two of each are needed")
    within, cells = table.mean(axis=2, keepdims=True), trainings * tasks * starts
    of_start = table.mean(axis=0, keepdims=True)
    of_task = table.mean(axis=(0, 2), keepdims=True)
    left = table - within - of_start + of_task
    squares = {
        "training": tasks * starts * float(table.mean(axis=(1, 2)).var(ddof=1)),
        "start": trainings * float(((of_start - of_task) ** 2).sum()) / (tasks * (starts - 1)),
        "left": float((left**2).sum()) / (tasks * (starts - 1) * (trainings - 1)),
    }
    signs = {"training": 1, "start": 1, "left": -1}
    freedoms = {
        "training": trainings - 1,
        "start": tasks * (starts - 1),
        "left": tasks * (starts - 1) * (trainings - 1),
    }
    least = max(squares["start"], squares["left"])  # the sum may fall below, trainings never do
    total = max(sum(signs[part] * squares[part] for part in squares), least)
    spread = sum(squares[part] ** 2 / freedoms[part] for part in squares)
    return CrossedMean(
        float(table.mean()),
        total / cells,
        total**2 / spread if spread else math.inf,
        max(0.0, squares["training"] - squares["left"]) / total if total else 0.0,
    )


def rate_interval(table: Table, level: float = 0.95) -> Interval:
    """An interval of the rate of success over trainings and start states.

    It is Clopper and Pearson's with as many episodes as would give the same variance were they
    drawn one by one, and never more than there are.

    Source: Korn and Graubard 1998.
    """
    found, n = crossed_mean(table), table.size
    p = found.mean
    if found.variance > 0 and 0 < p < 1:
        shrink = norm.ppf((1 + level) / 2) / t.ppf((1 + level) / 2, found.freedom)
        n = min(n, p * (1 - p) / found.variance * shrink**2)
    x, tail = p * n, (1 - level) / 2
    low = beta.ppf(tail, x, n - x + 1) if x > 0 else 0.0
    high = beta.ppf(1 - tail, x + 1, n - x) if x < n else 1.0
    return Interval(float(low), float(high))


def difference_interval(one: Table, other: Table, level: float = 0.95) -> Interval:
    """An interval of the difference of two rates, `one` less `other`; their start states are one's.

    Trainings are paired by their number, which costs nothing where they have nothing in common.
    """
    found = crossed_mean(one - other)
    half = t.ppf((1 + level) / 2, found.freedom) * math.sqrt(found.variance)
    return Interval(max(-1.0, float(found.mean - half)), min(1.0, float(found.mean + half)))
