"""Flow matching, diffusion and their kin: one path from noise to data, for any network on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.denoiser import Denoiser, Estimate
from pi0bench.policy.heads.gaussian_path_options import GaussianPathOptions
from pi0bench.policy.heads.head import NoiseSource, Sampled, Target
from pi0bench.policy.heads.sampler_registry import SAMPLERS
from pi0bench.policy.normalisation import ActionSpace

Predict = Callable[[Tensor, Tensor], Tensor]
"""What a network says of points x (B, H, A) at times (B,), or of each step, (B, H), where some of
them are given: its path's target, (B, H, A)."""


@dataclass(frozen=True)
class GaussianPath:
    """Points x_t on the way from noise to data, and what a network is to say of them.

    Attributes:
        options: of the card.
        space: of the actions.
    """

    options: GaussianPathOptions
    space: ActionSpace

    def point(self, data: Tensor, noise: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """x_t and the target there, (B, H, A) each, of chunks and noise at times (B, 1 or H, 1)."""
        schedule = self.options.schedule
        (alpha, sigma), (d_alpha, d_sigma) = schedule.coefficients(time), schedule.derivatives(time)
        targets = {"data": data, "noise": noise, "velocity": d_alpha * data + d_sigma * noise}
        return alpha * data + sigma * noise, targets[self.options.target]

    def loss(
        self, predict: Predict, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Weighted mean squared error of the prediction over valid steps and draws, a scalar.

        Args:
            predict: of B · draws rows, those of an observation one after the other.
            target: the chunks of B observations.
            generator: the source of noise and times.
            draws: noises and times an observation.
        """
        data = target.actions.repeat_interleave(draws, 0)
        times = self.options.time_distribution
        time = times.draw(len(data), generator).to(data)
        at = time[:, None, None]
        counts = target.valid.repeat_interleave(draws, 0)[..., None]
        if self.options.coupling != "reflow":
            noise = torch.randn(data.shape, generator=generator, device=generator.device).to(data)
        elif target.noise is not None:
            noise = target.noise.repeat_interleave(draws, 0)
        else:
            raise UsageError("head.coupling: reflow learns from a teacher's pairs; none came")
        if self.options.learns_from_zero:
            noise = noise * (at > 0)
        x, wanted = self.point(data, noise, at)
        if self.options.coupling == "own_guess":
            x = self._guessed(predict, x, at)
        if self.options.prefix:
            given = self._given(data, generator)
            x, time = torch.where(given, data, x), torch.where(given, 1, at)[..., 0]
            counts = counts & ~given
        guess = predict(x, time)
        error = ((guess - wanted).square() * times.weight(at)).masked_fill(~counts, 0)
        return error.sum() / (counts.sum() * data.shape[-1]).clamp(min=1)

    def _given(self, data: Tensor, generator: Generator) -> Tensor:
        """Which steps of chunks (B, H, A) are given, (B, H, 1): the first of each, or none."""
        counts = torch.randint(
            self.options.prefix + 1, (len(data), 1), generator=generator, device=generator.device
        ).to(data.device)
        return (torch.arange(data.shape[1], device=data.device) < counts)[..., None]

    def _guessed(self, predict: Predict, x: Tensor, at: Tensor) -> Tensor:
        """The points x where data is what the network guesses from zeros, and no noise is left."""
        with torch.no_grad():
            guess = self.denoiser(predict)(torch.zeros_like(x), 0.0).data
        return self.options.schedule.coefficients(at)[0] * guess

    def sample(
        self,
        predict: Predict,
        noise: NoiseSource,
        steps: int,
        solver: str,
        guidance: Guidance | None = None,
    ) -> Sampled:
        """From noise to normalised chunks, (B, H, A), guided or not; see `Head.sample`."""
        sampler = SAMPLERS[self.options.fixed_sampler or solver]
        zero = self.options.starts_from_zero
        start = (lambda: torch.zeros_like(noise())) if zero else noise
        schedule = self.options.schedule
        if guidance is not None and guidance.learned:
            predict = guidance.begun(predict)
        denoise = self.denoiser(predict)
        if guidance is None:
            return sampler(denoise, schedule, start, max(steps, 1))
        made = sampler(guidance.around(denoise, schedule), schedule, start, max(steps, 1))
        return Sampled(guidance.filled(made.actions), made.evaluations)

    def denoiser(self, predict: Predict) -> Denoiser:
        """The network, for samplers."""
        return lambda x, time: self._estimate(predict(x, x.new_full((len(x),), time)), x, time)

    def _estimate(self, guess: Tensor, x: Tensor, time: float) -> Estimate:
        """Data, noise and velocity by what was predicted.

        Data is kept within the demonstrations' usual range, the 1st to the 99th percentile, where
        it is not predicted as a velocity: from noise it follows by a division by alpha, which
        is small at first. Source: Chi et al. 2023 (Diffusion Policy), `clip_sample`; they keep it
        within the extremes, which a single disturbed episode can move.
        """
        schedule, target, at = self.options.schedule, self.options.target, x.new_full((), time)
        (alpha, sigma), (d_alpha, d_sigma) = schedule.coefficients(at), schedule.derivatives(at)
        if target == "velocity":
            determinant = alpha * d_sigma - sigma * d_alpha
            data = (d_sigma * x - sigma * guess) / determinant
            return Estimate(data, (alpha * guess - d_alpha * x) / determinant, guess)
        data = (x - sigma * guess) / alpha if target == "noise" else guess
        least, most = (bound.to(x) for bound in self.space.quantiles)
        data = data.clamp(least, most)
        noise = (x - alpha * data) / sigma.clamp(min=1e-3)
        return Estimate(data, noise, d_alpha * data + d_sigma * noise)
