"""Categories drawn by a head's noise: the same noise gives the same ones."""

from __future__ import annotations

import torch
from torch import Tensor

from pi0bench.errors import UsageError


def draw_categories(logits: Tensor, noise: Tensor, temperature: float) -> Tensor:
    """The categories that standard normal noise falls upon; the likeliest at temperature 0.

    Args:
        logits: (…, C).
        noise: (…).
        temperature: divides the logits.

    Returns:
        Numbers of categories, (…) int64.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    below = (logits / temperature).softmax(dim=-1).cumsum(dim=-1)
    share = torch.special.ndtr(noise)[..., None]
    return (below < share).sum(dim=-1).clamp(max=logits.shape[-1] - 1)


def checked_temperature(temperature: float) -> float:
    """The temperature of a card's head.

    Raises:
        UsageError: it is negative.
    """
    if not 0 <= temperature < float("inf"):
        raise UsageError(f"head.temperature: {temperature} is no temperature; give 0 or more")
    return temperature
