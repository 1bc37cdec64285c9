"""AdamW and Muon, and how their learning rates rise and fall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from pi0bench.train.fit_config import FitConfig
from pi0bench.train.muon import Muon

_LAST = 0.05  # share of the greatest learning rate that is left at the end


def optimizers(
    parameters: Sequence[nn.Parameter],
    matrices: Sequence[nn.Parameter],
    config: FitConfig,
    fixed: bool = False,
) -> list[torch.optim.Optimizer]:
    """AdamW and, where there are matrices for it, Muon, at their greatest learning rates.

    Args:
        parameters: all that are trained.
        matrices: those that Muon trains; AdamW trains the rest.
        config: how to train.
        fixed: whether rates are tensors and every step is the same work, as a CUDA graph needs.
    """
    apart = {id(matrix) for matrix in matrices}
    rest = [p for p in parameters if id(p) not in apart]

    def rate(value: float) -> Any:
        return torch.tensor(value, device=parameters[0].device) if fixed else value

    adamw = torch.optim.AdamW(
        rest,
        lr=rate(config.lr),
        betas=(0.9, 0.95),
        weight_decay=config.weight_decay,
        fused=True,
        capturable=fixed and parameters[0].is_cuda,
    )
    return [adamw, Muon(matrices, lr=rate(config.muon_lr))] if matrices else [adamw]


def schedule(optimizer: torch.optim.Optimizer, config: FitConfig) -> SequentialLR:
    """Rise linearly over the warm-up, then fall along a cosine to 5 %."""
    warmup, top = max(1, config.warmup), optimizer.param_groups[0]["lr"]
    rise = LinearLR(optimizer, 1 / warmup, total_iters=max(1, warmup - 1))
    fall = CosineAnnealingLR(optimizer, max(1, config.steps - warmup), eta_min=_LAST * top)
    return SequentialLR(optimizer, [rise, fall], [warmup])


def learning_rate_shares(config: FitConfig) -> list[float]:
    """Each step's share of the greatest learning rate, for who cannot ask a `schedule`."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    rates, shares = schedule(optimizer, config), []
    for _ in range(config.steps):
        shares.append(float(rates.get_last_lr()[0]))
        optimizer.step()
        rates.step()
    return shares
