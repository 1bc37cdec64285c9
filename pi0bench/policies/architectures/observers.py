"""Encoders of an observation: what is seen, felt and asked as one vector."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Generator, Tensor, nn

from pi0bench.policies import observe
from pi0bench.policies.architectures.fresh import initialise
from pi0bench.policies.architectures.pointnet import PointNet
from pi0bench.policies.network import PROPRIO_DIM, Seen


class Observer(nn.Module, ABC):
    """Observations to a condition, (B, width)."""

    width: int

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self, generator)

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
    """What the eyes say of every look, the state and the mean word, through two layers.

    Args:
        looks: things that the eyes tell apart, S.
        words: rows of the word embedding.
        width: of the condition.
        word_width: of an embedded word.
    """

    def __init__(self, looks: int, words: int, width: int = 128, word_width: int = 64) -> None:
        super().__init__()
        self.width = width
        self.word = MeanWord(words, word_width)
        inputs = looks * observe.TOKEN_DIM + PROPRIO_DIM + word_width
        self.mix = nn.Sequential(nn.Linear(inputs, width), nn.Mish(), nn.Linear(width, width))

    def forward(self, seen: Seen) -> Tensor:
        """See `Observer.forward`; needs `features`."""
        tokens = observe.tokens(seen["features"]).flatten(1)
        state, said = observe.state(seen["proprio"]), self.word(seen["ids"], seen["words"])
        return self.mix(torch.cat([tokens, state, said], dim=-1))


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
        state, said = observe.state(seen["proprio"]), self.word(seen["ids"], seen["words"])
        return torch.cat(
            [self.cloud(observe.points(seen["points"])), self.state(state), said], dim=-1
        )
