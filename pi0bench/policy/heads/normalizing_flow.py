"""A conditional normalizing flow: the chunk's exact likelihood, and a sample in one pass."""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.heads.categorical_sampling import checked_temperature
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target, whole
from pi0bench.policy.normalisation import ActionSpace


class NormalizingFlowHead(Head):
    """Neural spline coupling layers on the whole chunk, after a scale and shift a number.

    Scale and shift come from the action tokens, the splines from a summary token. The chunk is the
    first `horizon` steps; only where they all count has it a likelihood to learn from.

    Args:
        space: of the actions.
        width: W.
        horizon: steps that are generated; those that are executed suffice.
        transforms: coupling layers.
        hidden: width of their two hidden layers.
        bins: of a spline.
        blur: standard deviation of the noise that is added to data in training, since a density of
            numbers that only take a few values, like a gripper's, has no bound.
        temperature: times the noise that samples are made of; with 0 they are what zeros become.

    Source: Durkan et al. 2019 ("neural spline flows"), as in zuko; the blur is Theis et al. 2016's.
    """

    def __init__(
        self,
        space: ActionSpace,
        width: int,
        *,
        horizon: int = 8,
        transforms: int = 4,
        hidden: int = 96,
        bins: int = 6,
        blur: float = 0.05,
        temperature: float = 1.0,
    ) -> None:
        from zuko.flows import NSF

        super().__init__(space, width)
        self.horizon, self.blur = min(horizon, space.action_horizon), blur
        self.temperature = checked_temperature(temperature)
        self.draws = self.temperature > 0
        numbers = self.horizon * space.dim
        self.query = nn.Parameter(torch.zeros(self.horizon + 1, width))
        self.scale_shift = nn.Linear(width, 2 * space.dim)
        # Two passes make the autoregressive transform a coupling, which is quick both ways.
        self.flow = NSF(
            numbers,
            context=width,
            bins=bins,
            transforms=transforms,
            passes=2,
            hidden_features=(hidden, hidden),
        )

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place; the flow starts near the identity."""
        super().initialise(generator)
        nn.init.normal_(self.query, generator=generator)
        for transform in self.flow.transform.transforms:  # pyright: ignore[reportGeneralTypeIssues]
            last = [part for part in transform.modules() if isinstance(part, nn.Linear)][-1]
            last.weight.data.mul_(0.1)

    def _condition(self, context: Context) -> tuple[Tensor, Tensor, Tensor]:
        """Log scale and shift, (B, horizon, A) each, and the summary, (B, W)."""
        out = context.evaluate(self.query.expand(len(context.state), -1, -1))
        log_scale, shift = self.scale_shift(out[:, :-1]).chunk(2, dim=-1)
        return 3 * torch.tanh(log_scale / 3), shift, out[:, -1]

    def log_likelihood(self, context: Context, actions: Tensor) -> Tensor:
        """Logarithm of the density of normalised chunks (B, horizon, A), (B,)."""
        log_scale, shift, summary = self._condition(context)
        plain = _plain(actions, log_scale, shift)
        return self.flow(summary).log_prob(plain) - log_scale.flatten(1).sum(1)

    def noise_of(self, context: Context, actions: Tensor) -> Tensor:
        """The noise from which normalised chunks are made, (B, horizon, A) each."""
        log_scale, shift, summary = self._condition(context)
        plain = _plain(actions, log_scale, shift)
        return self.flow(summary).transform(plain).view_as(actions)

    def loss(
        self, context: Context, target: Target, generator: Generator, draws: int = 1
    ) -> Tensor:
        """Mean negative log-likelihood a number, of blurred chunks."""
        actions, counts = whole(target, self.horizon)
        noise = torch.randn(actions.shape, generator=generator, device=generator.device)
        found = self.log_likelihood(context, actions + self.blur * noise.to(actions))
        total = -found.masked_fill(~counts, 0).sum()
        return total / (counts.sum() * actions[0].numel()).clamp(min=1)

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The chunk that the flow makes of one draw of noise."""
        log_scale, shift, summary = self._condition(context)
        start = self.temperature * noise()[:, : self.horizon]
        plain = self.flow(summary).transform.inv(start.flatten(1))
        return Sampled(_deinterleave(plain).view_as(start) * torch.exp(log_scale) + shift)


def _plain(actions: Tensor, log_scale: Tensor, shift: Tensor) -> Tensor:
    """Chunks (B, horizon, A) as the splines see them, (B, horizon · A).

    Even places come first, then odd ones: a coupling's two halves then share every step.
    """
    x = ((actions - shift) * torch.exp(-log_scale)).flatten(1)
    return torch.cat([x[:, ::2], x[:, 1::2]], dim=1)


def _deinterleave(x: Tensor) -> Tensor:
    """Even and odd places, one after the other, back where they belong."""
    half = (x.shape[1] + 1) // 2
    out = torch.empty_like(x)
    out[:, ::2], out[:, 1::2] = x[:, :half], x[:, half:]
    return out
