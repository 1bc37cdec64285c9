"""Diffusion Policy's one-dimensional U-Net: convolutions over a chunk's steps, told by FiLM.

Source: Chi et al. 2023 ("Diffusion Policy"), `ConditionalUnet1D`; Perez et al. 2018 ("FiLM").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pi0bench.policy.heads.time_embedding import diffusion_step_embedding


class UNet(nn.Module):
    """What a network says of a point on the path, given a condition.

    Letters: B rows, H steps (a multiple of 2 for each width but the first), A action dimensions,
    C the condition's width.

    Args:
        actions: A.
        condition: C.
        widths: channels of each level; every level but the last halves the steps.
        kernel: of the convolutions over steps.
        groups: of the norms.
        time_width: of the embedded time.
    """

    def __init__(
        self,
        actions: int,
        condition: int,
        widths: Sequence[int],
        kernel: int = 5,
        groups: int = 8,
        time_width: int = 64,
    ) -> None:
        super().__init__()

        def pair(inputs: int, outputs: int) -> nn.ModuleList:
            told = condition + time_width
            sizes = (inputs, outputs), (outputs, outputs)
            return nn.ModuleList(_Residual(i, o, told, kernel, groups) for i, o in sizes)

        self.time_width = time_width
        self.time = nn.Sequential(
            nn.Linear(time_width, 4 * time_width), nn.Mish(), nn.Linear(4 * time_width, time_width)
        )
        ends = list(zip([actions, *widths], widths, strict=False))
        self.down = nn.ModuleList(pair(i, o) for i, o in ends)
        self.shrink = nn.ModuleList(nn.Conv1d(w, w, 3, 2, 1) for w in widths[:-1])
        self.middle = pair(widths[-1], widths[-1])
        back = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(pair(2 * i, o) for i, o in back)
        self.grow = nn.ModuleList(nn.ConvTranspose1d(o, o, 4, 2, 1) for _, o in back)
        self.last = _Convolution(widths[0], widths[0], kernel, groups)
        self.out = nn.Conv1d(widths[0], actions, 1)

    def matrices(self) -> list[nn.Parameter]:
        """The weights of the blocks' convolutions and of what tells them."""
        blocks = (self.down, self.shrink, self.middle, self.up)
        return [p for part in blocks for p in part.parameters() if p.ndim > 1]

    def forward(self, x: Tensor, time: Tensor, condition: Tensor) -> Tensor:
        """Points on the path (B, H, A) at times (B,), told (B, C), to the target, (B, H, A)."""
        told = torch.cat(
            [self.time(diffusion_step_embedding(time, self.time_width)), condition], dim=-1
        )
        x, skipped = x.mT, []
        for level, blocks in enumerate(self.down):
            x = _run(blocks, x, told)
            skipped.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        x = _run(self.middle, x, told)
        for blocks, grow in zip(self.up, self.grow, strict=True):
            x = grow(_run(blocks, torch.cat([x, skipped.pop()], dim=1), told))
        return self.out(self.last(x)).mT


class _Convolution(nn.Module):
    """Convolution over steps, group norm, Mish; (B, in, H) to (B, out, H)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, padding=kernel // 2)
        self.norm = nn.GroupNorm(groups, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.mish(self.norm(self.conv(x)))


class _Residual(nn.Module):
    """Two convolutions, between which each channel is scaled and shifted as it is told."""

    def __init__(self, inputs: int, outputs: int, told: int, kernel: int, groups: int) -> None:
        super().__init__()
        self.first = _Convolution(inputs, outputs, kernel, groups)
        self.film = nn.Linear(told, 2 * outputs)
        self.second = _Convolution(outputs, outputs, kernel, groups)
        self.skip = nn.Conv1d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.film(nn.functional.mish(told))[..., None].chunk(2, dim=1)
        # Published: scale · x. One more keeps the signal alive while the weights are new.
        return self.second((1 + scale) * self.first(x) + shift) + self.skip(x)


def _run(blocks: nn.Module, x: Tensor, told: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, told)
    return x
