"""What the eyes see as tokens: the likeliest keypoints, each with its numbers and its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Generator, Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from pi0bench.policy.normalisation import keypoint_dim, normalise_keypoints
from pi0bench.policy.weight_init import initialise

MOST_KEYPOINTS = 12
"""More than any scene of the benchmark has."""


class KeypointTokens(nn.Module):
    """A token is a linear map of a keypoint's numbers, its embedding, and the words of its name.

    The words are embedded as those of the instruction are, so that "red" of "the red cube" finds
    the red cube by attention from the first step of training, as pictures and text share one
    space in π0's vision-language model.

    Args:
        names: of all keypoints that the eyes know, each as the numbers of its words; S.
        width: of a token, W.
        motion: it is known how keypoints move.
    """

    def __init__(self, names: Sequence[Sequence[int]], width: int, motion: bool) -> None:
        super().__init__()
        self.motion = motion
        self.proj = nn.Linear(keypoint_dim(motion), width)
        self.embedding = nn.Parameter(torch.zeros(len(names), width))
        padded = pad_sequence([torch.tensor(name) for name in names], batch_first=True)
        self.register_buffer("names", padded, persistent=False)

    names: Tensor

    def initialise(self, generator: Generator) -> None:
        """Draw new weights, in place."""
        initialise(self.proj, generator)
        nn.init.normal_(self.embedding, generator=generator)

    def forward(
        self, features: Tensor, proprio: Tensor, embed: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """The tokens of B scenes, (B, K, W).

        Args:
            features: of all keypoints, their presence first, (B, S, …).
            proprio: (B, 13).
            embed: word numbers, (…), to embeddings, (…, W).
        """
        likely, which = likeliest(features)
        numbers = normalise_keypoints(likely, proprio, self.motion)
        words = embed(self.names).masked_fill((self.names == 0)[..., None], 0).sum(1)
        return self.proj(numbers) + (self.embedding + words)[which]


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
