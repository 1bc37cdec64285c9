"""What is behind the eyes, to those who train it and to those who ask it for actions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from torch import Generator, Tensor, nn

from pi0bench.policies.heads.head import Draw
from pi0bench.policies.normalisation import ActionScale

PROPRIO_DIM = 10

Seen = Mapping[str, Tensor]
"""B observations: `proprio` (B, 10); `ids` and `words`, word ids and their validity, (B, L); and
`features`, what the eyes say, (B, S, 11), or `points`, (B, N, 6), as its card asks for."""


@dataclass(frozen=True)
class Given:
    """What every network must know before it is made.

    Attributes:
        looks: number of things that the eyes tell apart, S; 0 without eyes.
        words: rows of the word embedding.
        scale: how actions become numbers.
        horizon: steps of a chunk, H.
        studied: what the head found in the data (see `Head.study`).
    """

    looks: int
    words: int
    scale: ActionScale
    horizon: int
    studied: Mapping[str, Any]


@dataclass(frozen=True)
class Sampled:
    """Actions, (B, at most H, 7), not clipped; and how many evaluations they took, or (B,)."""

    actions: Tensor
    evaluations: int | Tensor


class Network(nn.Module, ABC):
    """Everything behind the eyes: observations to chunks of actions, in two stages.

    Attributes:
        scale: how actions become network numbers.
        solvers: samplers that it can use, its card's first; empty when it takes no steps.
        steps: that its sampler takes unless told otherwise; 0 when it takes none.
    """

    def __init__(self, scale: ActionScale, solvers: tuple[str, ...] = (), steps: int = 0) -> None:
        super().__init__()
        self.scale, self.solvers, self.steps = scale, solvers, steps

    @abstractmethod
    def initialise(self, generator: Generator) -> Self:
        """Draw new weights, in place, from nothing but the generator."""

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices that Muon trains; none by default."""
        return []

    def tokenize(self, batch: Seen) -> dict[str, Tensor]:
        """What of a training batch can be computed once, to be added to it; nothing by default."""
        return {}

    @abstractmethod
    def loss(self, batch: Seen, generator: Generator, draws: int) -> Tensor:
        """Mean training loss, a scalar.

        Args:
            batch: observations, `actions` (B, H, 7) and `valid` (B, H), False for steps that do
                not count; where there is `noise`, it is the noise that belongs to each chunk.
            generator: the source of everything random.
            draws: random draws an observation, which share what is made of it alone.
        """

    @abstractmethod
    def encode(self, seen: Seen) -> Any:
        """The first stage, once a plan: whatever `sample` needs of the observations."""

    @abstractmethod
    def sample(self, encoded: Any, draw: Draw, steps: int, solver: str) -> Sampled:
        """The second stage: actions (see `Head.sample`), their evaluations counted."""
