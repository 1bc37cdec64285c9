"""What every architecture is, to those who train it and to those who ask it for actions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from torch import Generator, Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.head import NoiseSource, Sampled
from pi0bench.policy.normalisation import NormStats

ObservationBatch = Mapping[str, Tensor]
"""B observations.

`proprio`, (B, 13); the instruction's `prompt_tokens` and `prompt_mask`, False for padding, (B, L);
and `features` of keypoints, (B, S, 7 or 10), or `points`, (B, N, 6), by the card.
"""


@dataclass(frozen=True)
class NetworkSpec:
    """What every network must know before it is made.

    Attributes:
        keypoints: of its encoder, S, each by the number of its name's first word, which is its
            colour where it has one; none without an encoder.
        motion: it is known how keypoints move.
        vocab_size: rows of the embedding of instructions.
        norm_stats: how actions become numbers.
        action_horizon: steps of a chunk, H.
        tokenizer: what the head found in the data (see `Head.fit_tokenizer`).
        lag: it is told how far the hand lags behind where it is sent.
    """

    keypoints: Sequence[int]
    vocab_size: int
    norm_stats: NormStats
    action_horizon: int
    tokenizer: Mapping[str, Any]
    motion: bool = False
    lag: bool = False


class Network(nn.Module, ABC):
    """Encoded observations to chunks of actions, in two stages.

    Attributes:
        norm_stats: how actions become network numbers.
        horizon: steps that each of its chunks has at least.
        solvers: samplers that it can use, its card's first; empty when it takes no steps.
        steps: that its sampler takes unless told otherwise; 0 when it takes none.
        guidable: whether it has `sample_guided`.
        draws: whether its chunks are drawn by chance.
        prefix_steps: how many of a chunk's first actions can be given.
    """

    def __init__(
        self,
        norm_stats: NormStats,
        horizon: int,
        solvers: tuple[str, ...] = (),
        steps: int = 0,
        guidable: bool = False,
        draws: bool = False,
        prefix_steps: int = 0,
    ) -> None:
        super().__init__()
        self.norm_stats, self.horizon = norm_stats, horizon
        self.solvers, self.steps = solvers, steps
        self.guidable, self.draws, self.prefix_steps = guidable, draws, prefix_steps

    @abstractmethod
    def initialise(self, generator: Generator) -> Self:
        """Draw new weights, in place, from nothing but the generator."""

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices that Muon trains; none by default."""
        return []

    def tokenize(self, batch: ObservationBatch) -> dict[str, Tensor]:
        """What of a training batch can be computed once, to be added to it; nothing by default."""
        return {}

    @abstractmethod
    def loss(self, batch: ObservationBatch, generator: Generator, draws: int) -> Tensor:
        """Mean training loss, a scalar.

        Args:
            batch: observations, `actions` (B, H, 7) and `valid` (B, H), False for steps that do
                not count; where there is `noise`, it is the noise that belongs to each chunk.
            generator: the source of everything random.
            draws: random draws an observation, which share what is made of it alone.
        """

    @abstractmethod
    def encode(self, batch: ObservationBatch) -> Any:
        """The first stage, once a plan: whatever `sample` needs of the observations."""

    @abstractmethod
    def sample(self, encoded: Any, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """The second stage: actions, not clipped (see `Head.sample`)."""

    def sample_guided(
        self, encoded: Any, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """The same, drawn to the plans before; gradients must be possible.

        Raises:
            UsageError: nothing guides this network.
        """
        raise UsageError(f"{type(self).__name__}: nothing guides it")

    def unnormalised(self, sampled: Sampled) -> Sampled:
        """The actions of network numbers."""
        return Sampled(self.norm_stats.unnormalise(sampled.actions), sampled.evaluations)
