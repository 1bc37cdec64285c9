from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pi0bench.toy import world
from pi0bench.toy.measure import energy_distance, mean, measure, straightness

NOISE = torch.randn(5, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_straight_field_has_straightness_zero() -> None:
    # Each point moves on its own line at its own constant speed: v = x₀ where x = (1 + t) x₀.
    bends = straightness(lambda x, time: x / (1 + time), NOISE, steps=7)
    assert bends.shape == (5,)
    constant = straightness(lambda x, time: NOISE, NOISE, steps=7)
    torch.testing.assert_close(constant, torch.zeros(5, dtype=torch.float64))
    many = straightness(lambda x, time: x / (1 + time), NOISE, steps=100)
    assert many.max() < 1e-8


@pytest.mark.parametrize("steps", [1, 2, 50])
def test_a_curved_field_has_the_straightness_that_is_computed(steps: int) -> None:
    # v = 2 t c moves by c in all, and the mean of (c - 2 t c)² over the middles of n steps is
    # c² (1 - 1/n²) / 3.
    def velocity(x: Tensor, time: float) -> Tensor:
        return 2 * time * NOISE

    wanted = NOISE.square().flatten(1).mean(1) * (1 - 1 / steps**2) / 3
    torch.testing.assert_close(straightness(velocity, NOISE, steps), wanted)


def test_a_rotation_has_the_straightness_of_its_circle() -> None:
    # A quarter turn: ∫ |x₁ - x₀ - v|² dt = |v|² - |x₁ - x₀|² = r² (π²/4 - 2), two numbers a path.
    def velocity(x: Tensor, time: float) -> Tensor:
        return torch.pi / 2 * torch.stack([-x[..., 1], x[..., 0]], dim=-1)

    found = straightness(velocity, NOISE[:, :1], 400)
    wanted = NOISE[:, 0].square().sum(1) * (torch.pi**2 / 4 - 2) / 2
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=0)


def test_the_energy_distance_is_around_zero_for_equals_and_right_for_points() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 400, 4, 2))
    same = energy_distance(one, other)
    assert same.interval.low < 0 < same.interval.high
    away = energy_distance(one, other + 3)
    assert away.interval.low > 1
    points = energy_distance(np.zeros((20, 4, 2)), np.full((20, 4, 2), 3.0))
    assert points.value == pytest.approx(2 * 3 * 2**0.5)  # of waypoints, whatever their number


def test_a_mean_has_students_interval() -> None:
    found = mean([1.0, 2.0, 3.0])
    assert (found.value, found.n) == (2.0, 3)
    assert found.interval.high - found.value == pytest.approx(4.302653 / 3**0.5)
    assert mean([1.0]).interval.high == np.inf


def test_paths_are_counted() -> None:
    rng = np.random.default_rng(0)
    starts = world.draw_starts(40, rng)
    paths = world.demonstrate(starts, rng).paths
    reference = world.demonstrate(starts, rng).paths
    paths[:10] = np.array(world.GOAL)  # straight into the wall
    found = measure(("some", 2), starts, paths, reference)
    assert (found.succeeded.k, found.succeeded.n) == (30, 40)
    assert found.touched.k == 10
    assert found.upper.n == 30
    assert found.succeeded.interval.low < 0.75 < found.succeeded.interval.high
