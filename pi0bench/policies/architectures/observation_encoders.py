"""Encoders of an observation: what is seen, felt and asked as one vector."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import normalisation
from pi0bench.policies.architectures.pointnet import PointNet
from pi0bench.policies.architectures.post_norm_transformer import EncoderLayer
from pi0bench.policies.architectures.weight_init import initialise
from pi0bench.policies.network import PROPRIO_DIM, Seen


class Observer(nn.Module, ABC):
    """Observations to a condition, (B, width)."""

    width: int

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self, generator)

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices that Muon trains; none by default."""
        return []

    @abstractmethod
    def forward(self, seen: Seen) -> Tensor:
        """Observations (see `network.Seen`) to (B, width)."""


class MeanWord(nn.Module):
    """The mean embedding of the words of an instruction; 0 when there are none."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(words, width)

    def forward(self, ids: Tensor, valid: Tensor) -> Tensor:
        """Word ids and their validity, (B, L), to (B, W)."""
        said = self.table(ids).masked_fill(~valid[..., None], 0)
        return said.sum(1) / valid.sum(1, keepdim=True).clamp(min=1)


class TokenObserver(Observer):
    """One token of what is asked and felt, and those of the eyes, through a transformer.

    A flattened observation would leave it to the U-Net to find out which object is meant.

    Args:
        looks: things that the eyes tell apart, S.
        words: rows of the word embedding.
        width: of the tokens and of the condition, which is what becomes of the first.
        layers: of the transformer.
    """

    def __init__(self, looks: int, words: int, width: int = 128, layers: int = 2) -> None:
        super().__init__()
        self.width = width
        self.see = nn.Linear(normalisation.TOKEN_DIM, width)
        self.look = nn.Parameter(torch.zeros(looks, width))
        self.word = MeanWord(words, width)
        self.feel = nn.Linear(PROPRIO_DIM, width)
        self.layers = nn.ModuleList(EncoderLayer(width, 8, 2 * width) for _ in range(layers))

    def initialise(self, generator: Generator) -> None:
        """See `Observer.initialise`."""
        super().initialise(generator)
        nn.init.normal_(self.look, generator=generator)

    def matrices(self) -> list[nn.Parameter]:
        """The transformer's."""
        return [p for p in self.layers.parameters() if p.ndim == 2]

    def forward(self, seen: Seen) -> Tensor:
        """See `Observer.forward`; needs `features`."""
        looks = self.see(normalisation.tokens(seen["features"])) + self.look
        asked = self.word(seen["ids"], seen["words"]) + self.feel(
            normalisation.state(seen["proprio"])
        )
        x = torch.cat([asked[:, None], looks], dim=1)
        there = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        for layer in self.layers:
            x = layer(x, there)
        return x[:, 0]


class PointObserver(Observer):
    """A cloud through a PointNet, the state through two layers, and the mean word, side by side.

    Args:
        words: rows of the word embedding.
        part: width of each of the three.
    """

    def __init__(self, words: int, part: int = 64) -> None:
        super().__init__()
        self.width = 3 * part
        self.word = MeanWord(words, part)
        self.cloud = PointNet(out=part)
        self.state = nn.Sequential(nn.Linear(PROPRIO_DIM, part), nn.ReLU(), nn.Linear(part, part))

    def forward(self, seen: Seen) -> Tensor:
        """See `Observer.forward`; needs `points`."""
        state, said = normalisation.state(seen["proprio"]), self.word(seen["ids"], seen["words"])
        return torch.cat(
            [self.cloud(normalisation.points(seen["points"])), self.state(state), said], dim=-1
        )
