"""One pass, two passes and the jump, against what exact fields make of them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from pi0bench.policy.heads.denoiser import Estimate
from pi0bench.policy.heads.gaussian_path import GaussianPath
from pi0bench.policy.heads.gaussian_path_options import GaussianPathOptions
from pi0bench.policy.heads.head import Target
from pi0bench.policy.heads.noise_schedules import Linear
from pi0bench.policy.heads.ode_solvers import dense_jump_times
from pi0bench.policy.heads.sampler_registry import SAMPLERS
from pi0bench.policy.heads.time_sampling import TIME_DISTRIBUTIONS
from tests.policy.conftest import DIM, HORIZON, noise, seeded, smooth, space


class TwoModes:
    """The exact field of two modes, -1 and 1, equally likely, each of the same spread."""

    def __init__(self, std: float, first_guess: float | None = None) -> None:
        self.std, self.first_guess = std, first_guess

    def __call__(self, x: Tensor, time: float) -> Estimate:
        alpha, sigma = time, 1 - time
        spread = alpha**2 * self.std**2 + sigma**2
        gain = alpha * self.std**2 / spread
        side = torch.tanh(x * alpha / spread)
        data = side * (1 - alpha * gain) + gain * x
        if time == 0 and self.first_guess is not None:
            data = torch.full_like(x, self.first_guess)
        own = (x - alpha * data) / sigma
        return Estimate(data, own, data - own)


def start() -> Tensor:
    return torch.linspace(-2, 2, 9).double()[:, None]


def sample(name: str, field: TwoModes, x: Tensor, steps: int = 1) -> Tensor:
    return SAMPLERS[name](field, Linear(), lambda: x, steps).actions


@pytest.mark.parametrize("std", [0.0, 0.1, 0.3])
def test_one_pass_makes_the_mean_of_all_noise(std: float) -> None:
    for name in ("one_pass", "euler", "dense_jump"):
        assert sample(name, TwoModes(std), start()).abs().max() < 1e-12, name


@pytest.mark.parametrize(("std", "end"), [(0.0, 0.93), (0.1, 0.40), (0.3, 0.04)])
def test_the_mean_is_a_fixed_point_of_two_passes_and_not_a_stable_one(
    std: float, end: float
) -> None:
    zero = torch.zeros(1, 1).double()
    assert sample("two_pass", TwoModes(std), zero).item() == 0
    assert sample("two_pass", TwoModes(std, 0.02), zero).item() == pytest.approx(end, abs=0.006)


def test_two_stages_find_a_mode_by_the_noise_that_is_left() -> None:
    found = sample("two_pass", TwoModes(0.1), start())
    assert torch.equal(found.sign(), start().sign())
    assert found[[0, -1]].abs().min() > 0.4


@pytest.mark.parametrize("std", [0.05, 0.3])
def test_two_passes_are_the_jump_in_two_steps(std: float) -> None:
    field = TwoModes(std)
    torch.testing.assert_close(
        sample("two_pass", field, start()), sample("dense_jump", field, start(), 2)
    )


@pytest.mark.parametrize("steps", [1, 2, 3, 10])
def test_the_jump_is_the_last_of_so_many_steps(steps: int) -> None:
    times = dense_jump_times(steps)
    lengths = [after - before for before, after in pairwise(times)]
    assert (times[0], times[-1], len(lengths)) == (0, 1, steps)
    assert sum(lengths) == pytest.approx(1)
    if steps > 1:
        assert lengths[-1] == pytest.approx(0.1)
        assert lengths[:-1] == pytest.approx([0.9 / (steps - 1)] * (steps - 1))


def test_in_ten_steps_the_jump_is_as_long_as_the_others() -> None:
    field = TwoModes(0.3)
    torch.testing.assert_close(
        sample("dense_jump", field, start(), 10), sample("euler", field, start(), 10)
    )


class OneMode:
    """The exact field of N(0, std²)."""

    def __init__(self, std: float) -> None:
        self.std = std

    def __call__(self, x: Tensor, time: float) -> Estimate:
        spread = (1 - time) ** 2 + time**2 * self.std**2
        velocity = (time * self.std**2 - (1 - time)) / spread * x
        return Estimate(x + (1 - time) * velocity, x - time * velocity, velocity)


@pytest.mark.parametrize(
    ("std", "steps", "kept"),
    [(0.1, 2, 0.10), (0.1, 5, 0.36), (0.3, 2, 0.28), (0.3, 5, 0.67)],
)
def test_equal_steps_lose_spread_and_the_jump_loses_less(
    std: float, steps: int, kept: float
) -> None:
    """A late node is worth more than an equal one where the data hardly varies."""
    one = torch.ones(1, 1).double()
    euler, jump = (
        SAMPLERS[name](OneMode(std), Linear(), lambda: one, steps).actions.item() / std
        for name in ("euler", "dense_jump")
    )
    assert euler == pytest.approx(kept, abs=0.006)
    assert euler < jump < 1


def test_time_laws_match_their_closed_forms() -> None:
    n = 200_000
    arcsine = TIME_DISTRIBUTIONS["arcsine"].draw(n, seeded(0))
    assert arcsine.mean() == pytest.approx(1 / 2, abs=0.003)
    assert arcsine.var() == pytest.approx(1 / 8, abs=0.001)
    assert (arcsine < 0.25).double().mean() == pytest.approx(1 / 3, abs=0.003)
    assert (TIME_DISTRIBUTIONS["start"].draw(9, seeded(0)) == 0).all()


def test_two_passes_are_weighted_as_the_paper_has_them_and_as_its_code_has_them() -> None:
    times = torch.tensor([0.0, 0.9])
    assert TIME_DISTRIBUTIONS["two_point"].weight(times).tolist() == [1, 1]
    released = TIME_DISTRIBUTIONS["two_point_released"].weight(times)
    torch.testing.assert_close(released, torch.tensor([1 / 0.81, 100.0]))


def asked(**options: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Points and times that a constant network is asked in training, and the loss."""
    seen: list[tuple[Tensor, Tensor]] = []

    def predict(x: Tensor, time: Tensor) -> Tensor:
        seen.append((x, time))
        return torch.full_like(x, 0.5)

    path = GaussianPath(GaussianPathOptions(**options), space())
    target = Target(smooth(40, seeded(7)), torch.ones(40, HORIZON).bool())
    loss = path.loss(predict, target, seeded(1), draws=5)
    return *seen[-1], loss


TWO_PASSES = {"target": "data", "times": "two_point", "sampler": "two_pass"}


def test_own_guesses_stand_in_place_of_noised_data() -> None:
    x, time, _ = asked(**TWO_PASSES, coupling="own_guess")
    torch.testing.assert_close(x, 0.5 * time[:, None, None].expand_as(x))
    assert len(time.unique()) == 2


def test_the_minimal_iterative_policy_starts_from_nothing_and_sees_noised_data() -> None:
    x, time, _ = asked(**TWO_PASSES, coupling="from_nothing")
    assert (x[time == 0] == 0).all()
    data = smooth(40, seeded(7)).repeat_interleave(5, 0)
    left = (x - 0.9 * data)[time > 0] / 0.1
    assert left.std() == pytest.approx(1, abs=0.05)


def test_two_stages_start_from_noise() -> None:
    x, time, _ = asked(**TWO_PASSES)
    assert x[time == 0].std() == pytest.approx(1, abs=0.05)


def test_regression_through_flows_network_is_regression() -> None:
    options: dict[str, Any] = {"times": "start", "coupling": "from_nothing"}
    options["sampler"] = "one_pass"
    x, time, loss = asked(**options)
    assert (x == 0).all()
    assert (time == 0).all()
    data = smooth(40, seeded(7))
    torch.testing.assert_close(loss, (0.5 - data).square().mean())
    path = GaussianPath(GaussianPathOptions(**options), space())
    made = path.sample(lambda x, time: x + 0.5, noise(1), 1, "one_pass")
    assert (made.actions == 0.5).all()
    assert made.actions.shape[1:] == (HORIZON, DIM)
    assert math.isclose(float(made.evaluations), 1)


def test_straight_flow_learns_what_leads_from_noise_to_data() -> None:
    x, time, loss = asked(times="start", sampler="one_pass")
    data = smooth(40, seeded(7)).repeat_interleave(5, 0)
    assert (time == 0).all()
    torch.testing.assert_close(loss, (0.5 - (data - x)).square().mean())
