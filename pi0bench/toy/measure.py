"""What is measured of paths, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import t as student
from torch import Tensor

from pi0bench.stats.energy_distance import squared_energy_distance
from pi0bench.stats.success_intervals import Interval, clopper_pearson
from pi0bench.toy import world
from pi0bench.toy.network import Velocity
from pi0bench.toy.recipes import Key

_PARTS = 10


@dataclass(frozen=True)
class Share:
    """k of n, with its exact 95 % interval."""

    k: int
    n: int

    @property
    def rate(self) -> float | None:
        """k/n, None for n = 0."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """Clopper and Pearson's."""
        return clopper_pearson(self.k, self.n)


@dataclass(frozen=True)
class Mean:
    """A mean of n values, with Student's 95 % interval."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True)
class Measured:
    """What became of the paths that one way made with one step count.

    Attributes:
        key: the way's name and its steps, 0 for a head that takes none.
        succeeded: at the goal and never in the wall.
        touched: the wall.
        upper: of those that succeeded, through the upper gap.
        distance: from demonstrations, see `energy_distance`.
    """

    key: Key
    succeeded: Share
    touched: Share
    upper: Share
    distance: Mean


def measure(
    key: Key, starts: world.Numbers, paths: world.Numbers, reference: world.Numbers
) -> Measured:
    """Judge paths (N, H, 2) from starts (N, 2) beside demonstrations (N, H, 2) from other ones."""
    outcome = world.judge(starts, paths)
    good, n = outcome.succeeded, len(paths)
    return Measured(
        key,
        Share(int(good.sum()), n),
        Share(int(outcome.touched.sum()), n),
        Share(int((good & outcome.upper).sum()), int(good.sum())),
        energy_distance(paths, reference),
    )


def energy_distance(one: world.Numbers, other: world.Numbers) -> Mean:
    """`squared_energy_distance` of two sets of paths (N, H, 2).

    |.| is the root mean square distance of waypoints. It is estimated on each of ten parts of the
    sets, whose mean this is.
    """
    pairs = zip(_parts(one), _parts(other), strict=True)
    return mean([squared_energy_distance(x, y) for x, y in pairs])


def mean(values: Sequence[float]) -> Mean:
    """The mean of independent values with Student's interval; one value tells nothing of it."""
    n, value = len(values), float(np.mean(values))
    if n < 2:
        return Mean(value, Interval(-np.inf, np.inf), n)
    half = float(student.ppf(0.975, n - 1) * np.std(values, ddof=1) / n**0.5)
    return Mean(value, Interval(value - half, value + half), n)


@torch.inference_mode()
def straightness(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """How far the solutions of dx/dt = v are from straight: ∫ |x₁ - x₀ - v|² dt of each, (B,).

    |.|² is the mean over a path's numbers; 0 is straight, and then one Euler step is exact. With
    the midpoint rule for both the solution and the integral it is the variance over time of v at
    the middles of the steps.

    Args:
        velocity: v of x (B, H, 2) at a time.
        noise: x₀, (B, H, 2).
        steps: of the midpoint rule.

    Source: Liu et al. 2023 ("rectified flow"), section 2.1, S(Z).
    """
    x, halfway = noise, []
    for i in range(steps):
        middle = x + velocity(x, i / steps) / (2 * steps)
        halfway.append(velocity(middle, (i + 0.5) / steps))
        x = x + halfway[-1] / steps
    return torch.stack(halfway).var(dim=0, correction=0).flatten(1).mean(dim=1)


def _parts(paths: world.Numbers) -> list[world.Numbers]:
    flat = paths.reshape(len(paths), -1) / paths.shape[1] ** 0.5
    return np.array_split(flat, _PARTS)
