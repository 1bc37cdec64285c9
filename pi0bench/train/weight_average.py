"""The moving average of the weights, which is what is kept of a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(module: nn.Module, ema: float) -> AveragedModel:
    """The average of a network's weights; buffers are copied at each update."""

    def move(average: Tensor, weights: Tensor, updates: Tensor | int) -> Tensor:
        assert isinstance(updates, Tensor)
        return average.lerp(weights, average_weight(updates, ema).to(average))

    return AveragedModel(module, avg_fn=move)


def average_weight(updates: Tensor, ema: float) -> Tensor:
    """How far the average moves after so many updates; further early, so that no start lingers.

    The first update is a copy.
    """
    return torch.where(updates > 0, 1 - ((1 + updates) / (10 + updates)).clamp(max=ema), 1.0)
