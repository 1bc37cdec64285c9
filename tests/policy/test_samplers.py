"""Samplers against what is known in closed form, and against `diffusers`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policy.heads.denoiser import Estimate
from pi0bench.policy.heads.head import NoiseSource
from pi0bench.policy.heads.noise_schedules import NOISE_SCHEDULES, NoiseSchedule, SquaredCosine
from pi0bench.policy.heads.sampler_registry import SAMPLERS

SIGMA = 0.5
DETERMINISTIC = [
    n
    for n, s in SAMPLERS.items()
    if n not in ("ddpm", "reverse_sde") and s.order and not s.fixed_steps
]
RANDOM = ["ddpm", "reverse_sde"]


@dataclass
class Gaussian:
    """The exact field where data is N(mean, SIGMA²): all that a perfect network would say."""

    schedule: NoiseSchedule
    mean: float = 0.0
    evaluations: int = 0

    def at(self, time: float) -> tuple[Tensor, Tensor]:
        return self.schedule.coefficients(torch.tensor(time, dtype=torch.float64))

    def __call__(self, x: Tensor, time: float) -> Estimate:
        self.evaluations += 1
        signal, level = self.at(time)
        spread = signal**2 * SIGMA**2 + level**2
        off = x - signal * self.mean
        data, noise = self.mean + signal * SIGMA**2 / spread * off, level / spread * off
        rise, fall = self.schedule.derivatives(torch.tensor(time, dtype=torch.float64))
        return Estimate(data, noise, rise * data + fall * noise)


def start() -> Tensor:
    return torch.linspace(-2, 2, 9).double()[:, None]


def sample(name: str, field: Gaussian, noise: NoiseSource, steps: int) -> Tensor:
    """What a sampler makes; it must have evaluated the field as often as it says."""
    before = field.evaluations
    made = SAMPLERS[name](field, field.schedule, noise, steps)
    assert made.evaluations == field.evaluations - before
    return made.actions


class Between(NoiseSchedule):
    """A path from some noise to less, without the infinite slopes and ratios at its ends."""

    def coefficients(self, time: Tensor) -> tuple[Tensor, Tensor]:
        return 0.2 + 0.6 * time, (0.9 - 0.5 * time) + 0.1 * time**2

    def derivatives(self, time: Tensor) -> tuple[Tensor, Tensor]:
        return 0.6 * torch.ones_like(time), 0.2 * time - 0.5


def transport(path: NoiseSchedule, x: Tensor, mean: float = 0.0) -> Tensor:
    """Where the probability flow carries x: to the same quantile of the last distribution."""
    (a, b), (c, d) = (path.coefficients(torch.tensor(t, dtype=torch.float64)) for t in (0.0, 1.0))
    spread = ((c**2 * SIGMA**2 + d**2) / (a**2 * SIGMA**2 + b**2)).sqrt()
    return c * mean + (x - a * mean) * spread


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_sampler_has_the_order_it_declares(name: str) -> None:
    field, order = Gaussian(Between(), mean=0.7), SAMPLERS[name].order
    wanted = transport(field.schedule, start(), field.mean)
    steps = np.array([40, 80, 160, 320]) if order < 4 else np.array([20, 40, 80, 160])
    errors = [float((sample(name, field, start, int(n)) - wanted).abs().max()) for n in steps]
    slope = np.polyfit(np.log(1 / steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.2)


@pytest.mark.parametrize("path", NOISE_SCHEDULES)
@pytest.mark.parametrize("name", DETERMINISTIC)
def test_a_sampler_ends_in_the_data_on_every_path(name: str, path: str) -> None:
    field = Gaussian(NOISE_SCHEDULES[path]())
    wanted = transport(field.schedule, start())
    few, many = ((sample(name, field, start, n) - wanted).abs().max() for n in (8, 256))
    assert many < 0.02
    assert many < few / 5 or few < 1e-3


@pytest.mark.parametrize("name", SAMPLERS)
def test_no_steps_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match="0 is not a number of sampler steps"):
        sample(name, Gaussian(NOISE_SCHEDULES["vp"]()), start, 0)


def test_on_the_linear_path_ddim_is_euler() -> None:
    field = Gaussian(NOISE_SCHEDULES["linear"](), mean=0.7)
    for steps in (1, 3, 10):
        torch.testing.assert_close(
            sample("ddim", field, start, steps), sample("euler", field, start, steps)
        )


@pytest.mark.parametrize("path", ["squared_cosine", "vp"])
def test_ddim_becomes_the_probability_flow_as_steps_grow(path: str) -> None:
    field = Gaussian(NOISE_SCHEDULES[path]())
    wanted = transport(field.schedule, start())
    errors = [(sample("ddim", field, start, n) - wanted).abs().max() for n in (10, 100, 1000)]
    assert errors[0] > 5 * errors[1] > 25 * errors[2]
    assert errors[2] < 4e-3


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("path", ["squared_cosine", "vp"])
def test_random_samplers_draw_from_the_data(name: str, path: str) -> None:
    generator = torch.Generator().manual_seed(0)
    field = Gaussian(NOISE_SCHEDULES[path](), mean=0.7)

    def draw() -> Tensor:
        return torch.randn(40_000, 1, generator=generator, dtype=torch.float64)

    found = sample(name, field, draw, 200)
    assert found.mean() == pytest.approx(0.7, abs=0.02)
    assert found.std() == pytest.approx(SIGMA, abs=0.02)


@pytest.mark.parametrize("steps", [5, 10, 20, 50, 100])
@pytest.mark.parametrize("name", ["ddpm", "ddim", "dpm"])
def test_schedulers_agree_with_diffusers(name: str, steps: int) -> None:
    diffusers = pytest.importorskip("diffusers", reason="in the extra test")
    common = {
        "num_train_timesteps": SquaredCosine.LEVELS,
        "beta_schedule": "squaredcos_cap_v2",
        "prediction_type": "epsilon",
        "timestep_spacing": "trailing",
    }
    make = {
        "ddpm": lambda: diffusers.DDPMScheduler(
            **common, variance_type="fixed_small", clip_sample=False
        ),
        "ddim": lambda: diffusers.DDIMScheduler(**common, clip_sample=False),
        "dpm": lambda: diffusers.DPMSolverMultistepScheduler(
            **common, final_sigmas_type="zero", euler_at_final=True
        ),
    }
    field = Gaussian(SquaredCosine(), mean=0.3)
    scheduler = make[name]()
    scheduler.set_timesteps(steps)
    ours = torch.Generator().manual_seed(4)
    x = torch.randn(9, 1, generator=ours, dtype=torch.float64)
    theirs = torch.Generator().manual_seed(4)
    torch.randn(9, 1, generator=theirs, dtype=torch.float64)
    for k in scheduler.timesteps:
        guess = field(x, float(1 - (k + 1) / SquaredCosine.LEVELS)).noise
        more = {"generator": theirs} if name == "ddpm" else {}
        x = scheduler.step(guess, k, x, **more).prev_sample
    again = torch.Generator().manual_seed(4)
    draw: NoiseSource = lambda: torch.randn(9, 1, generator=again, dtype=torch.float64)  # noqa: E731
    torch.testing.assert_close(sample(name, field, draw, steps), x, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", SAMPLERS)
def test_evaluations_are_those_that_were_made(name: str) -> None:
    each = {"midpoint": 2, "heun": 2, "rk4": 4}.get(name, 1)
    for steps in (1, 2, 7):
        field = Gaussian(Between())
        sample(name, field, start, steps)
        assert field.evaluations == {"one_pass": 1, "two_pass": 2}.get(name, each * steps)
