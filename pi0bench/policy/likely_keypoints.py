"""Of all keypoints that eyes know, those that may be in the scene: the others are no tokens."""

from __future__ import annotations

import torch
from torch import Tensor

MOST_KEYPOINTS = 12
"""More than any scene of the benchmark has."""


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
