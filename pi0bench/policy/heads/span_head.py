"""The head of average velocities (flow maps): π0's, told also where a step is to end."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context, NoiseSource, Sampled, Target
from pi0bench.policy.heads.span_options import SpanOptions
from pi0bench.policy.heads.span_sampling import draw
from pi0bench.policy.heads.span_targets import AverageVelocity, Spans
from pi0bench.policy.heads.time_embedding import (
    PERIODS,
    SLOW_PERIODS,
    flow_time_embedding,
    span_embedding,
)
from pi0bench.policy.normalisation import ActionSpace

_SOLVER = "span"
LEAST_ERROR = 1e-3


class SpanHead(GaussianPathHead):
    """Predicts with the trunk the average velocity u(x, t, r) from noise to data.

    It is flow matching's head, whose condition of time gets an embedding of (t, r - t) added that
    is zero at first: an untrained one is flow matching, and u(x, t, t) always is. One set of
    weights makes samples in any number of steps.

    Args:
        space: of the actions.
        width: W.
        options: those of `SpanOptions`.
    """

    def __init__(self, space: ActionSpace, width: int, **options: Any) -> None:
        super().__init__(space, width)
        self.span_options = SpanOptions(**options)
        self.solvers, self.steps = (_SOLVER, *self.solvers), self.span_options.steps
        self.periods = SLOW_PERIODS if self.span_options.rule.differentiates else PERIODS
        self.span_mlp_in = nn.Linear(width, width)
        self.span_mlp_out = nn.Linear(width, width)

    @classmethod
    def options(cls) -> type:
        """See `Head.options`."""
        return SpanOptions

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place; flow matching's are those that its head would draw."""
        super().initialise(generator)
        nn.init.zeros_(self.span_mlp_out.weight)

    def average_velocity(self, context: Context, x: Tensor, start: Tensor, end: Tensor) -> Tensor:
        """The average velocity of x (B, H, A) from times (B,) to times (B,): (B, H, A)."""
        span = span_embedding(start, end, self.width).to(x.dtype)
        span = self.span_mlp_out(functional.silu(self.span_mlp_in(span)))
        times = flow_time_embedding(start, self.width, self.periods).to(x.dtype)
        return self.action_out_proj(context.evaluate(self.action_tokens(x, times + span)))

    def predict(self, context: Context, x: Tensor, time: Tensor) -> Tensor:
        """The velocity at x (B, H, A) at times (B,): (B, H, A)."""
        return self.average_velocity(context, x, time, time)

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean squared error of average velocities over valid steps and draws, a scalar.

        Rows are shuffled, and the first are spans; so many are so in every batch.
        """
        options, count = self.span_options, len(target.actions) * draws
        spans, device = round(options.share * count), generator.device
        order = torch.rand(count, generator=generator, device=device).argsort() // draws
        order = order.to(target.actions.device)
        data, counts = target.actions[order], target.valid[order][..., None]
        noise = torch.randn(data.shape, generator=generator, device=device).to(data)
        drawn = draw(options.rule.law, spans, generator)
        start, length, share = (column.to(data) for column in drawn)
        plain = torch.rand(count - spans, generator=generator, device=device).to(data)
        start, length = torch.cat([start, plain]), torch.cat([length, torch.zeros_like(plain)])
        at, velocity = start[:, None, None], data - noise
        x = at * data + (1 - at) * noise
        context = context.seeing(target.valid)
        guess = self.average_velocity(context.select(order), x, start, start + length)
        some = Spans(x[:spans], velocity[:spans], start[:spans], length[:spans], share)
        with torch.no_grad():
            own = partial(self.average_velocity, context.select(order[:spans]))
            wanted = torch.cat([options.rule.wanted(own, some), velocity[spans:]])
        return weighted_mean((guess - wanted).square(), counts, options.adaptive_power)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """From noise to actions, (B, H, A): by average velocities, or as flow matching does."""
        if solver != _SOLVER:
            return super().sample(context, noise, steps, solver)
        return span_steps(partial(self.average_velocity, context), noise, steps)

    def sample_guided(
        self, context: Context, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """See `Head.sample_guided`; what is drawn somewhere goes by the velocity to the end.

        That velocity tells where a chunk would end, which is what is drawn.
        """
        if solver != _SOLVER:
            return super().sample_guided(context, noise, steps, solver, guidance)
        free = guidance.weights.amax((1, 2)) == 0

        def velocity(x: Tensor, time: Tensor) -> Tensor:
            after = ((time * steps).round() + 1) / steps
            return self.average_velocity(context, x, time, torch.where(free, after, 1.0))

        return self.path.sample(velocity, noise, steps, "euler", guidance)


def span_steps(u: AverageVelocity, noise: NoiseSource, steps: int) -> Sampled:
    """From noise to data in equal spans of time, one evaluation each.

    Raises:
        UsageError: there are no steps.
    """
    if steps < 1:
        raise UsageError(f"steps: {steps} is not a number of sampler steps; give 1 or more")
    x = noise()
    for i in range(steps):
        start, end = (x.new_full((len(x),), k / steps) for k in (i, i + 1))
        x = x + u(x, start, end) / steps
    return Sampled(x, steps)


def weighted_mean(error: Tensor, counts: Tensor, power: float) -> Tensor:
    """Mean of squared errors (B, H, A) over valid steps (B, H, 1), rows weighted by their own.

    Source: Geng et al. 2025 ("mean flows"), section 4.3, with means for sums.
    """
    error, numbers = error.masked_fill(~counts, 0), counts.sum((1, 2)) * error.shape[-1]
    own = error.detach().sum((1, 2)) / numbers.clamp(min=1)
    weight = (own + LEAST_ERROR) ** -power
    return (error * weight[:, None, None]).sum() / numbers.sum().clamp(min=1)
