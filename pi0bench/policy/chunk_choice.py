"""Of several chunks the one that goes on best with the chunk before.

Source: Liu et al. 2024 (Bidirectional Decoding, arXiv 2408.17355), backward coherence, equation 5;
its forward contrast, which needs weights of a weaker policy, is left out, as by Black et al. 2025.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pi0bench.policy.heads.head import Sampled
from pi0bench.policy.policy_protocol import Committed

DRAWS = 16
"""Chunks to choose from, as in the published code of real-time chunking."""

DECAY = 0.5
"""Of a step's weight, from one step of the overlap to the next."""


@dataclass(frozen=True)
class Choice:
    """What chunks are chosen by.

    Attributes:
        before: the actions that the chunk before has left, as network numbers, (N, A) a row; a row
            without any takes its first chunk.
    """

    before: Sequence[Tensor]

    @classmethod
    def of(cls, rows: Sequence[tuple[Tensor, Committed]]) -> Choice:
        """The choice for rows of committed actions as network numbers, and the rest."""
        return cls([actions for actions, _ in rows])

    def best(self, drawn: Tensor) -> Tensor:
        """The number of each row's nearest chunk, (B,).

        Args:
            drawn: normalised chunks, (D, B, H, A).
        """
        return torch.stack([_nearest(drawn[:, i], old) for i, old in enumerate(self.before)])

    def sample(
        self, sample: Callable[[], Sampled], normalise: Callable[[Tensor], Tensor]
    ) -> Sampled:
        """Draw `DRAWS` times and choose; all draws' evaluations count.

        Args:
            sample: draws chunks, (B, H, A), each time from fresh noise.
            normalise: of their actions.
        """
        made = [sample() for _ in range(DRAWS)]
        actions = torch.stack([one.actions for one in made])
        best = self.best(normalise(actions))
        chosen = actions[best, torch.arange(actions.shape[1])]
        return Sampled(chosen, sum((one.evaluations for one in made[1:]), made[0].evaluations))


def _nearest(drawn: Tensor, before: Tensor) -> Tensor:
    """Which of the chunks, (D, H, A), is nearest to (N, A) where both have steps."""
    shared = min(drawn.shape[1], len(before))
    off = (drawn[:, :shared] - before[:shared]).norm(dim=-1)
    return (off * DECAY ** torch.arange(shared)).sum(-1).argmin()
