"""Flow matching, diffusion and their kin: one loss and one field, for any network on a path."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policies.heads.denoiser import Estimate
from pi0bench.policies.heads.gaussian_path_options import GaussianRecipe
from pi0bench.policies.heads.head import Context, Draw, Head, Target
from pi0bench.policies.heads.noise_schedules import Path
from pi0bench.policies.heads.sampler_registry import SAMPLERS
from pi0bench.policies.normalisation import ActionSpace

PERIODS = (4e-3, 4.0)


class Told(Protocol):
    """What a network is told of B observations."""

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        ...

    def repeat(self, draws: int) -> Any:
        """The same, each observation serving `draws` rows that follow one another."""
        ...


C = TypeVar("C", bound=Told)
_C = TypeVar("_C", bound=Told, contravariant=True)


class Predictor(Protocol[_C]):
    """A network on a Gaussian path, whatever it is made of."""

    recipe: GaussianRecipe
    space: ActionSpace

    def predict(self, context: _C, x: Tensor, time: Tensor) -> Tensor:
        """What it says of x (B, H, A) at times (B,): its recipe's target, (B, H, A)."""
        ...


def path_loss(
    network: Predictor[C], context: C, target: Target, generator: Generator, draws: int = 1
) -> Tensor:
    """Weighted mean squared error of the prediction over valid steps and draws, a scalar.

    Args:
        network: predicts.
        context: of the B observations.
        target: the chunks.
        generator: the source of noise and times.
        draws: noises and times an observation, which share its context.
    """
    recipe = network.recipe
    data = target.actions.repeat_interleave(draws, 0)
    time = recipe.law.draw(len(data), generator).to(data)
    if recipe.coupling == "reflow":
        if target.noise is None:
            raise UsageError("head.coupling: reflow learns from a teacher's pairs; none came")
        noise = target.noise.repeat_interleave(draws, 0)
    else:
        noise = torch.randn(data.shape, generator=generator, device=generator.device).to(data)
    at = time[:, None, None]
    if recipe.coupling == "from_nothing":
        noise = noise * (at > 0)
    (signal, level), (rise, fall) = recipe.curve.coefficients(at), recipe.curve.slopes(at)
    wanted = {"data": data, "noise": noise, "velocity": rise * data + fall * noise}
    guess = network.predict(context.repeat(draws), signal * data + level * noise, time)
    counts = target.valid.repeat_interleave(draws, 0)[..., None]
    error = (guess - wanted[recipe.target]).square() * recipe.law.weight(at)
    error = error.masked_fill(~counts, 0)
    return error.sum() / (counts.sum() * data.shape[-1]).clamp(min=1)


def path_sample(network: Predictor[C], context: C, draw: Draw, steps: int, solver: str) -> Tensor:
    """From noise to normalised chunks, (B, H, A); see `Head.sample`."""
    sampler = SAMPLERS[network.recipe.fixed or solver]
    source = draw if network.recipe.start == "noise" else (lambda: torch.zeros_like(draw()))
    return sampler(ActionField(network, context), source, max(steps, 1))


@dataclass(frozen=True)
class ActionField(Generic[C]):
    """A trained network on its path, for samplers."""

    network: Predictor[C]
    context: C

    @property
    def path(self) -> Path:
        """The network's path."""
        return self.network.recipe.curve

    def at(self, time: float) -> tuple[Tensor, Tensor]:
        """Signal and noise level at a time, scalars."""
        return self.path.coefficients(torch.full((), time, device=self.context.device))

    def __call__(self, x: Tensor, time: float) -> Estimate:
        """One evaluation.

        Data is kept within the demonstrations' usual range, the 1st to the 99th percentile, where
        it is not predicted as a velocity: from noise it follows by a division by the signal, which
        is small at first. Source: Chi et al. 2023 (Diffusion Policy), `clip_sample`; they keep it
        within the extremes, which a single disturbed episode can move.
        """
        guess = self.network.predict(self.context, x, x.new_full((len(x),), time))
        target = self.network.recipe.target
        signal, level = self.at(time)
        rise, fall = self.path.slopes(torch.full_like(signal, time))
        if target == "velocity":
            turn = signal * fall - level * rise
            return Estimate(
                (fall * x - level * guess) / turn, (signal * guess - rise * x) / turn, guess
            )
        data = (x - level * guess) / signal if target == "noise" else guess
        least, most = (bound.to(x) for bound in self.network.space.usual)
        data = data.clamp(least, most)
        noise = (x - signal * data) / level.clamp(min=1e-3)
        return Estimate(data, noise, rise * data + fall * noise)


class GaussianPathHead(Head):
    """Predicts with the trunk what leads from noise to data along a Gaussian path.

    Args:
        space: of the actions.
        width: W.
        options: those of `GaussianRecipe`.
    """

    def __init__(self, space: ActionSpace, width: int, **options: Any) -> None:
        super().__init__(space, width)
        self.recipe = GaussianRecipe(**options)
        self.solvers, self.steps = self.recipe.solvers, self.recipe.free_steps
        self.action_in = nn.Linear(space.dim, width)
        self.time_in = nn.Linear(2 * width, width)
        self.time_out = nn.Linear(width, width)
        self.action_out = nn.Linear(width, space.dim)

    @classmethod
    def options(cls) -> list[str]:
        """See `Head.options`."""
        return [option.name for option in fields(GaussianRecipe)]

    def embed(self, x: Tensor, time: Tensor) -> Tensor:
        """Points on the path (B, H, A) at times (B,) to action tokens (B, H, W)."""
        actions = self.action_in(x)
        times = embed_time(time, self.width).to(actions.dtype)[:, None].expand_as(actions)
        return self.time_out(functional.silu(self.time_in(torch.cat([actions, times], dim=-1))))

    def predict(self, context: Context, x: Tensor, time: Tensor) -> Tensor:
        """What the network says of x (B, H, A) at times (B,): its target, (B, H, A)."""
        return self.action_out(context.evaluate(self.embed(x, time)))

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """See `path_loss`."""
        return path_loss(self, context, target, generator, draws)

    def sample(self, context: Context, draw: Draw, steps: int, solver: str) -> Tensor:
        """From noise to actions, (B, H, A)."""
        return path_sample(self, context, draw, steps, solver)


def embed_time(time: Tensor, width: int) -> Tensor:
    """Sines and cosines of the published time s = 1 - t, (B,) to (B, W) in float64.

    The periods are geometric, from 4e-3 to 4; in float32 the largest argument, 2π/4e-3, would
    lose three digits. Source: openpi, `create_sinusoidal_pos_embedding`.
    """
    fraction = torch.linspace(0, 1, width // 2, dtype=torch.float64, device=time.device)
    period = PERIODS[0] * (PERIODS[1] / PERIODS[0]) ** fraction
    angle = (1 - time.double())[:, None] * (2 * math.pi / period)
    return torch.cat([angle.sin(), angle.cos()], dim=-1)
