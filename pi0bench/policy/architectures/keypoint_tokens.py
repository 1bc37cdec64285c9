"""What the eyes see as tokens: the likeliest keypoints, each with its numbers and its name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.instruction_tokenizer import PADDING, UNKNOWN
from pi0bench.policy.network import ObservationBatch
from pi0bench.policy.normalisation import keypoint_dim, normalise_keypoints
from pi0bench.policy.weight_init import initialise

MOST_KEYPOINTS = 12
"""More than any scene of the benchmark has."""


class KeypointTokens(nn.Module):
    """A token is a linear map of a keypoint's numbers, and the keypoint's embedding.

    One of the numbers tells how soon the instruction names the keypoint. It stands in for what
    vision-language pre-training gives π0: from two thousand demonstrations a network of this size
    learns only late, and by chance of its seed, which thing "red" means.

    Args:
        names: of all keypoints that the eyes know, each by its first word; S.
        width: of a token, W.
        motion: it is known how keypoints move.
    """

    def __init__(self, names: Sequence[int], width: int, motion: bool) -> None:
        super().__init__()
        self.motion = motion
        self.proj = nn.Linear(keypoint_dim(motion) + 1, width)
        self.embedding = nn.Parameter(torch.zeros(len(names), width))
        self.register_buffer("names", torch.tensor(names), persistent=False)

    names: Tensor

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self.proj, generator)
        nn.init.normal_(self.embedding, generator=generator)

    def forward(self, batch: ObservationBatch) -> Tensor:
        """The tokens of B scenes, (B, K, W), of their features, proprio and instructions."""
        likely, which = likeliest(batch["features"])
        numbers = normalise_keypoints(likely, batch["proprio"], self.motion)
        words = batch["prompt_tokens"].masked_fill(~batch["prompt_mask"], PADDING)
        named = how_soon(self.names[which], words)
        return self.proj(torch.cat([numbers, named[..., None]], -1)) + self.embedding[which]


def how_soon(names: Tensor, prompt_tokens: Tensor) -> Tensor:
    """How soon each name comes in an instruction: 1 at its first word, 0 where it does not.

    Args:
        names: the first word of each, which is its colour where it has one, (B, K).
        prompt_tokens: (B, L).

    Returns:
        (B, K).
    """
    there = (prompt_tokens[:, None] == names[..., None]) & (names > UNKNOWN)[..., None]
    length = prompt_tokens.shape[1]
    soon = 1 - torch.arange(length, device=names.device) / length
    return (there * soon).amax(-1)


def likeliest(features: Tensor, most: int = MOST_KEYPOINTS) -> tuple[Tensor, Tensor]:
    """The keypoints of each scene that are likeliest to be there.

    Args:
        features: of all keypoints, their presence first, (B, S, …).
        most: how many are kept, K, or all S where there are no more.

    Returns:
        Their features, (B, K, …), and their numbers, (B, K), in the order of all.
    """
    order = features[..., 0].argsort(dim=1, descending=True, stable=True)
    chosen = order[:, :most].sort(dim=1).values
    rows = torch.arange(len(features), device=features.device)[:, None]
    return features[rows, chosen], chosen
