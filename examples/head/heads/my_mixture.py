"""A head of one's own: a mixture of Gaussians over whole chunks, in one pass."""

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.heads.head import Context, NoiseSource, Sampled, Target
from pi0bench.policy.heads.regression import RegressionHead
from pi0bench.policy.normalisation import ActionSpace


class MixtureHead(RegressionHead):
    """Bishop 1994; it acts by the mean of a drawn mode, as robomimic's (Mandlekar et al. 2021)."""

    def __init__(self, space: ActionSpace, width: int, *, modes: int = 5) -> None:
        super().__init__(space, width)
        self.action_out_proj = nn.Linear(width, 2 * modes * space.dim)
        self.weight = nn.Linear(width, modes)

    def mixture(self, context: Context) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights (B, K), means and log scales (B, K, H, A)."""
        out = context.evaluate(self.query.expand(len(context.state), -1, -1))
        modes = self.action_out_proj(out).unflatten(2, (-1, 2 * self.space.dim)).transpose(1, 2)
        mean, scale = modes.chunk(2, dim=-1)
        return self.weight(out.mean(1)).log_softmax(1), mean, scale.clamp(-4, 2)

    def loss(self, context: Context, target: Target, generator: Generator, draws: int = 1):
        """Negative log-likelihood of the steps that count, a number of the chunk."""
        weight, mean, scale = self.mixture(context)
        miss = 0.5 * ((target.actions[:, None] - mean) * (-scale).exp()).square() + scale
        miss = miss.masked_fill(~target.valid[:, None, :, None], 0).flatten(2).sum(2)
        return -(weight - miss).logsumexp(1).mean() / mean[0, 0].numel()

    def sample(self, context: Context, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The mean of a mode, which is drawn by its weight."""
        weight, mean, _ = self.mixture(context)
        chance = torch.special.ndtr(noise()[:, :1, 0])  # noise to between 0 and 1
        mode = (weight.exp().cumsum(1) < chance).sum(1).clamp(max=weight.shape[1] - 1)
        return Sampled(mean[torch.arange(len(mean)), mode])
