"""π0.5's head: the time is a condition of the whole expert, and no state is felt."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context
from pi0bench.policy.heads.time_embedding import flow_time_embedding
from pi0bench.policy.normalisation import ActionSpace


class AdaptiveHead(GaussianPathHead):
    """Flow matching whose time goes to the expert's norms (see `GaussianPathHead`).

    Source: openpi's π0.5. What becomes of the time ends in a SiLU too.
    """

    def __init__(self, space: ActionSpace, width: int, **options: Any) -> None:
        super().__init__(space, width, **options)
        del self.action_time_mlp_in, self.action_time_mlp_out
        self.time_mlp_in = nn.Linear(width, width)
        self.time_mlp_out = nn.Linear(width, width)

    def predict(self, context: Context, x: Tensor, time: Tensor) -> Tensor:
        """What the network says of x (B, H, A) at times (B,): the velocity, (B, H, A)."""
        embedded = flow_time_embedding(time, self.width).to(x.dtype)
        hidden = functional.silu(self.time_mlp_in(embedded))
        condition = functional.silu(self.time_mlp_out(hidden))
        tokens = self.action_in_proj(x)
        block = torch.zeros(tokens.shape[1], dtype=torch.long, device=x.device)
        suffix = context.trunk.suffix(context.kv_cache, tokens, block, condition=condition)
        return self.action_out_proj(suffix[0])
