"""ACT: a conditional variational autoencoder of action chunks, made of transformers.

Source: Zhao et al. 2023 ("Learning fine-grained bimanual manipulation"), section IV and table III.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.architectures.keypoint_tokens import KeypointTokens
from pi0bench.policy.architectures.post_norm_transformer import DecoderLayer, EncoderLayer
from pi0bench.policy.architectures.state_projection import StateProjection
from pi0bench.policy.heads.head import NoiseSource, Sampled, masked_mean
from pi0bench.policy.network import Network, NetworkSpec, ObservationBatch
from pi0bench.policy.weight_init import initialise

LATENT_DIM = 32
KL_WEIGHT = 10.0
_WIDTH, _HIDDEN, _HEADS = 128, 256, 8
_MAX_WORDS = 32


class VaeEncoder(nn.Module):
    """A demonstrated chunk and the state to a normal distribution of latents; training only."""

    def __init__(self, actions: int, horizon: int, lag: bool, layers: int = 2) -> None:
        super().__init__()
        self.action_proj = nn.Linear(actions, _WIDTH)
        self.state_proj = StateProjection(_WIDTH, lag)
        self.cls_embedding = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.position_embedding = nn.Parameter(torch.zeros(horizon, _WIDTH))
        self.layers = nn.ModuleList(EncoderLayer(_WIDTH, _HEADS, _HIDDEN) for _ in range(layers))
        self.out = nn.Linear(_WIDTH, 2 * LATENT_DIM)

    def forward(self, actions: Tensor, valid: Tensor, proprio: Tensor) -> tuple[Tensor, Tensor]:
        """Chunks (B, H, A), of which steps count (B, H), and proprioception, (B, 13).

        Returns:
            Mean and logarithm of the variance, (B, LATENT_DIM) each.
        """
        rows = len(actions)
        done = self.action_proj(actions.masked_fill(~valid[..., None], 0)) + self.position_embedding
        felt = self.state_proj(proprio)[:, None]
        x = torch.cat([self.cls_embedding.expand(rows, -1, -1), felt, done], dim=1)
        there = torch.cat([valid.new_ones(rows, 2), valid], dim=1)
        for layer in self.layers:
            x = layer(x, there)
        mean, log_variance = self.out(x[:, 0]).chunk(2, dim=-1)
        return mean, log_variance


@dataclass(frozen=True)
class Memory:
    """What the decoder looks at: tokens (B, T, W), of which valid (B, T) can be seen."""

    tokens: Tensor
    valid: Tensor


class ActNetwork(Network):
    """What is seen, asked and felt, and a latent, to all actions of a chunk in one pass."""

    def __init__(self, spec: NetworkSpec, layers: int = 4) -> None:
        super().__init__(spec.norm_stats, spec.action_horizon)
        actions = spec.norm_stats.space(spec.action_horizon).dim
        self.keypoint_tokens = KeypointTokens(spec.keypoints, _WIDTH, spec.motion)
        self.text_embedding = nn.Embedding(spec.vocab_size, _WIDTH)
        self.text_position_embedding = nn.Parameter(torch.zeros(_MAX_WORDS, _WIDTH))
        self.state_proj = StateProjection(_WIDTH, spec.lag)
        self.latent_proj = nn.Linear(LATENT_DIM, _WIDTH)
        self.vae_encoder = VaeEncoder(actions, spec.action_horizon, spec.lag)
        self.encoder = nn.ModuleList(EncoderLayer(_WIDTH, _HEADS, _HIDDEN) for _ in range(layers))
        self.query = nn.Parameter(torch.zeros(spec.action_horizon, _WIDTH))
        self.decoder = DecoderLayer(_WIDTH, _HEADS, _HIDDEN)
        self.out = nn.Linear(_WIDTH, actions)

    def initialise(self, generator: Generator) -> ActNetwork:
        """See `Network.initialise`."""
        initialise(self, generator)
        bare = (
            self.keypoint_tokens.embedding,
            self.text_position_embedding,
            self.query,
            self.vae_encoder.cls_embedding,
            self.vae_encoder.position_embedding,
        )
        for parameter in bare:
            nn.init.normal_(parameter, generator=generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between tokens and tokens."""
        layers = (self.vae_encoder.layers, self.encoder, self.decoder)
        return [p for part in layers for p in part.parameters() if p.ndim == 2]

    def loss(self, batch: ObservationBatch, generator: Generator, draws: int) -> Tensor:
        """Absolute error over valid steps, and the latents' divergence; one latent a chunk."""
        numbers, valid = self.norm_stats.normalise(batch["actions"]), batch["valid"]
        mean, log_variance = self.vae_encoder(numbers, valid, batch["proprio"])
        noise = torch.randn(mean.shape, generator=generator, device=generator.device).to(mean)
        latent = mean + (log_variance / 2).exp() * noise
        guess = self._decode(self._memory(batch, latent))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        return masked_mean((guess - numbers).abs(), valid) + KL_WEIGHT * divergence

    def encode(self, batch: ObservationBatch) -> Memory:
        """What the decoder looks at, with the mean of all latents, 0."""
        proprio = batch["proprio"]
        return self._memory(batch, proprio.new_zeros(len(proprio), LATENT_DIM))

    def sample(self, encoded: Memory, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """One pass of the decoder; nothing is drawn."""
        return self.unnormalised(Sampled(self._decode(encoded)))

    def _memory(self, batch: ObservationBatch, latent: Tensor) -> Memory:
        seen = self.keypoint_tokens(batch)
        prompt, words = batch["prompt_tokens"], batch["prompt_mask"]
        said = self.text_embedding(prompt) + self.text_position_embedding[: prompt.shape[1]]
        felt = self.state_proj(batch["proprio"])
        x = torch.cat([self.latent_proj(latent)[:, None], felt[:, None], seen, said], dim=1)
        there = words.new_ones(len(words), x.shape[1] - words.shape[1])
        valid = torch.cat([there, words], dim=1)
        for layer in self.encoder:
            x = layer(x, valid)
        return Memory(x, valid)

    def _decode(self, memory: Memory) -> Tensor:
        query = self.query.expand(len(memory.tokens), -1, -1)
        return self.out(self.decoder(query, memory.tokens, memory.valid))
