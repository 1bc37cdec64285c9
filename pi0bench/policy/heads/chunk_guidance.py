"""Drawing a chunk, while it is sampled, to the one before it, which the robot goes on with.

Soft: real-time chunking, which adds to the estimate of the data a gradient of how far it is from
the chunk before, through the whole network. Hard: the actions that are carried out before the new
chunk can be followed are given, each at its place on the path, and the network fills in the rest.
Learned: the same, at t = 1, by a network that has learned from such chunks.
Source: Black et al. 2025 (arXiv 2506.07339), algorithm 1, whose flow is the linear path; Song et
al. 2023, pseudoinverse guidance, for other paths; Janner et al. 2022 (Diffuser), inpainting; Black
et al. 2025 (arXiv 2512.05964), training-time action conditioning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pi0bench.policy.heads.denoiser import Denoiser, Estimate
from pi0bench.policy.heads.noise_schedules import NoiseSchedule
from pi0bench.policy.policy_protocol import Committed

Predict = Callable[[Tensor, Tensor], Tensor]
"""See `pi0bench.policy.heads.gaussian_path`."""

MOST = 5.0
"""The greatest weight of the gradient in a velocity: the published β."""


@dataclass(frozen=True)
class Guidance:
    """Where chunks are drawn to, and how strongly; a row that has no chunk before is left alone.

    Attributes:
        chunk: the chunk before from now on, (B, H, A), zeros where it has ended.
        weights: of its steps, in [0, 1], (B, H, 1).
        hard: the steps of weight 1 are given, and none has another weight than 0 and 1.
        learned: the same, and the network knows, for it has learned from such chunks.
        most: the greatest weight of the gradient.
    """

    chunk: Tensor
    weights: Tensor
    hard: bool
    most: float = MOST
    learned: bool = False

    @classmethod
    def of(cls, rows: Sequence[tuple[Tensor, Committed]], horizon: int) -> Guidance:
        """The guidance of plans of `horizon` steps.

        Args:
            rows: for each, the committed actions as network numbers, (N, A), and the rest.
            horizon: H.
        """
        chunks = [actions[:horizon] for actions, _ in rows]
        padded = [torch.cat([c, c.new_zeros(horizon - len(c), c.shape[1])]) for c in chunks]
        weights = [step_weights(of, min(len(of.actions), horizon), horizon) for _, of in rows]
        kind = rows[0][1].guidance
        return cls(
            torch.stack(padded),
            torch.tensor(weights)[..., None],
            hard=kind in ("hard", "prefix"),
            learned=kind == "prefix",
        )

    def around(self, denoise: Denoiser, schedule: NoiseSchedule) -> Denoiser:
        """The denoiser of one sample, guided."""
        if self.learned:
            return denoise
        return self._given(denoise, schedule) if self.hard else self._drawn(denoise, schedule)

    def begun(self, predict: Predict) -> Predict:
        """A network that finds what is given at t = 1."""
        given = self.weights > 0

        def told(x: Tensor, time: Tensor) -> Tensor:
            times = torch.where(given[..., 0], 1, time[:, None])
            return predict(torch.where(given, self.chunk, x), times)

        return told

    def filled(self, sampled: Tensor) -> Tensor:
        """What was sampled, (B, H, A), with what is given at its place."""
        return torch.where(self.weights > 0, self.chunk, sampled) if self.hard else sampled

    def _drawn(self, denoise: Denoiser, schedule: NoiseSchedule) -> Denoiser:
        there = self.weights.amax(dim=1, keepdim=True) > 0

        def guided(x: Tensor, time: float) -> Estimate:
            with torch.enable_grad():
                at = x.detach().requires_grad_()
                found = denoise(at, time)
                off = self.weights * (self.chunk - found.data)
                (towards,) = torch.autograd.grad(found.data, at, off.detach())
            plain = Estimate(found.data.detach(), found.noise.detach(), found.velocity.detach())
            alpha, sigma = schedule.coefficients(x.new_full((), time))
            if sigma == 0:
                return plain
            gain = gradient_gain(float(alpha), float(sigma), self.most)
            data = plain.data + gain * towards
            return _mixed(there, _estimate(data, x, time, schedule), plain)

        return guided

    def _given(self, denoise: Denoiser, schedule: NoiseSchedule) -> Denoiser:
        given, first = self.weights > 0, list[Tensor]()

        def guided(x: Tensor, time: float) -> Estimate:
            first[:] = first or [x]
            now = x.new_full((), time)
            (alpha, sigma), (d_alpha, d_sigma) = (
                schedule.coefficients(now),
                schedule.derivatives(now),
            )
            known = Estimate(self.chunk, first[0], d_alpha * self.chunk + d_sigma * first[0])
            placed = torch.where(given, alpha * known.data + sigma * known.noise, x)
            return _mixed(given, known, denoise(placed, time))

        return guided


def step_weights(committed: Committed, there: int, horizon: int) -> list[float]:
    """How strongly each of `horizon` steps is drawn: fully what is carried out, then ever less.

    After the last step that the chunk before and this one share, when each begins at its own look,
    nothing is. Source: Black et al. 2025, eq. 5.

    Args:
        committed: see `Committed`.
        there: steps that the chunk before still has; no other step has a weight.
        horizon: H.
    """
    delay, end = committed.delay, horizon - committed.execute

    def weight(i: int) -> float:
        if i >= there:
            return 0.0
        if i < delay:
            return 1.0
        if committed.guidance in ("hard", "prefix") or i >= end:
            return 0.0
        fading = (end - i) / (end - delay + 1)
        return fading * math.expm1(fading) / math.expm1(1)

    return [weight(i) for i in range(horizon)]


def gradient_gain(alpha: float, sigma: float, most: float) -> float:
    """What the gradient counts in the estimate of the data, at a place on the path.

    On the linear path the velocity gains min(most, (1 - t) / (t r²)) times the gradient, with
    r² = (1 - t)² / (t² + (1 - t)²), and the data 1 - t times as much. On any path the data gains
    sigma² / alpha times the gradient of a logarithmic density whose variance is
    sigma² / (alpha² + sigma²), and the bound counts sigma times.
    """
    bound = most * sigma
    return min(bound, (alpha**2 + sigma**2) / alpha) if alpha > 0 else bound


def _estimate(data: Tensor, x: Tensor, time: float, schedule: NoiseSchedule) -> Estimate:
    """The estimate that goes with that data."""
    at = x.new_full((), time)
    (alpha, sigma), (d_alpha, d_sigma) = schedule.coefficients(at), schedule.derivatives(at)
    noise = (x - alpha * data) / sigma
    return Estimate(data, noise, d_alpha * data + d_sigma * noise)


def _mixed(where: Tensor, one: Estimate, other: Estimate) -> Estimate:
    """One estimate where it is true, the other elsewhere."""
    return Estimate(
        torch.where(where, one.data, other.data),
        torch.where(where, one.noise, other.noise),
        torch.where(where, one.velocity, other.velocity),
    )
