"""ACT: a conditional variational autoencoder of action chunks, made of transformers.

Source: Zhao et al. 2023 ("Learning fine-grained bimanual manipulation"), section IV and table III.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import normalisation
from pi0bench.policies.architectures.post_norm_transformer import DecoderLayer, EncoderLayer
from pi0bench.policies.architectures.weight_init import initialise
from pi0bench.policies.heads.head import Draw, masked_mean
from pi0bench.policies.network import PROPRIO_DIM, Given, Network, Sampled, Seen

STYLE = 32
KL_WEIGHT = 10.0
_WIDTH, _HIDDEN, _HEADS = 128, 256, 8
_MAX_WORDS = 32


class StyleEncoder(nn.Module):
    """A demonstrated chunk and the state to a normal distribution of styles; training only."""

    def __init__(self, actions: int, horizon: int, layers: int = 2) -> None:
        super().__init__()
        self.act, self.feel = nn.Linear(actions, _WIDTH), nn.Linear(PROPRIO_DIM, _WIDTH)
        self.ask = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.when = nn.Parameter(torch.zeros(horizon, _WIDTH))
        self.layers = nn.ModuleList(EncoderLayer(_WIDTH, _HEADS, _HIDDEN) for _ in range(layers))
        self.out = nn.Linear(_WIDTH, 2 * STYLE)

    def forward(self, actions: Tensor, valid: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Chunks (B, H, A), of which steps count (B, H), and states (B, 10).

        Returns:
            Mean and logarithm of the variance, (B, STYLE) each.
        """
        rows = len(actions)
        done = self.act(actions.masked_fill(~valid[..., None], 0)) + self.when
        x = torch.cat([self.ask.expand(rows, -1, -1), self.feel(state)[:, None], done], dim=1)
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
    """What is seen, asked and felt, and a style, to all actions of a chunk in one pass."""

    def __init__(self, given: Given, layers: int = 4) -> None:
        super().__init__(given.scale)
        actions = given.scale.space(given.horizon).dim
        self.see = nn.Linear(normalisation.TOKEN_DIM, _WIDTH)
        self.look = nn.Parameter(torch.zeros(given.looks, _WIDTH))
        self.word = nn.Embedding(given.words, _WIDTH)
        self.place = nn.Parameter(torch.zeros(_MAX_WORDS, _WIDTH))
        self.feel = nn.Linear(PROPRIO_DIM, _WIDTH)
        self.style_in = nn.Linear(STYLE, _WIDTH)
        self.style = StyleEncoder(actions, given.horizon)
        self.encoder = nn.ModuleList(EncoderLayer(_WIDTH, _HEADS, _HIDDEN) for _ in range(layers))
        self.query = nn.Parameter(torch.zeros(given.horizon, _WIDTH))
        self.decoder = DecoderLayer(_WIDTH, _HEADS, _HIDDEN)
        self.out = nn.Linear(_WIDTH, actions)

    def initialise(self, generator: Generator) -> ActNetwork:
        """See `Network.initialise`."""
        initialise(self, generator)
        bare = (self.look, self.place, self.query, self.style.ask, self.style.when)
        for parameter in bare:
            nn.init.normal_(parameter, generator=generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between tokens and tokens."""
        layers = (self.style.layers, self.encoder, self.decoder)
        return [p for part in layers for p in part.parameters() if p.ndim == 2]

    def loss(self, batch: Seen, generator: Generator, draws: int) -> Tensor:
        """Absolute error over valid steps, and the styles' divergence; one style a chunk."""
        numbers, valid = self.scale.normalise(batch["actions"]), batch["valid"]
        mean, log_variance = self.style(numbers, valid, normalisation.state(batch["proprio"]))
        noise = torch.randn(mean.shape, generator=generator, device=generator.device).to(mean)
        style = mean + (log_variance / 2).exp() * noise
        guess = self._decode(self._memory(batch, style))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        return masked_mean((guess - numbers).abs(), valid) + KL_WEIGHT * divergence

    def encode(self, seen: Seen) -> Memory:
        """What the decoder looks at, with the mean of all styles, 0."""
        return self._memory(seen, seen["proprio"].new_zeros(len(seen["proprio"]), STYLE))

    def sample(self, encoded: Memory, draw: Draw, steps: int, solver: str) -> Sampled:
        """One pass of the decoder; nothing is drawn."""
        return Sampled(self.scale.restore(self._decode(encoded)), 1)

    def _memory(self, seen: Seen, style: Tensor) -> Memory:
        looks = self.see(normalisation.tokens(seen["features"])) + self.look
        said = self.word(seen["ids"]) + self.place[: seen["ids"].shape[1]]
        felt = self.feel(normalisation.state(seen["proprio"]))
        x = torch.cat([self.style_in(style)[:, None], felt[:, None], looks, said], dim=1)
        words = seen["words"]
        there = words.new_ones(len(words), x.shape[1] - words.shape[1])
        valid = torch.cat([there, words], dim=1)
        for layer in self.encoder:
            x = layer(x, valid)
        return Memory(x, valid)

    def _decode(self, memory: Memory) -> Tensor:
        query = self.query.expand(len(memory.tokens), -1, -1)
        return self.out(self.decoder(query, memory.tokens, memory.valid))
