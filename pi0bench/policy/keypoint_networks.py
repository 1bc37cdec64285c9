"""The networks of a keypoint encoder that see pictures, and how they look at pieces of these.

Letters: B observations, S keypoints, K of them looked at closely, P pixels a side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_PIECE_PX = 32  # side of what is looked at closely
_SCALES = 2  # pieces about each place, each twice as large as the one before and half as sharp


class Heatmaps(nn.Module):
    """Heat maps and a feature map of one camera at half the picture's resolution."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.down = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.wide = nn.Conv2d(2 * width, 2 * width, 3, padding=2, dilation=2)
        self.wider = nn.Conv2d(2 * width, 2 * width, 3, padding=4, dilation=4)
        self.narrow = nn.Conv2d(2 * width, width, 1)
        self.fuse = nn.Conv2d(2 * width, width, 3, padding=1)
        self.heat = nn.Conv2d(width, keypoints, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, P, P) in [-1, 1] to heat (B, S, P/2, P/2) and features (B, F, P/2, P/2)."""
        fine = functional.silu(self.first(images))
        x = functional.silu(self.down(fine))
        x = x + functional.silu(self.wide(x))
        x = x + functional.silu(self.wider(x))
        x = functional.interpolate(self.narrow(x), scale_factor=2.0, mode="bilinear")
        x = functional.silu(self.fuse(torch.cat([fine, x], dim=1)))
        return self.heat(x), x


class CloseLook(nn.Module):
    """Pieces of one camera's pictures to numbers about each.

    Args:
        width: channels of the first layer.
        out: numbers about each place.
    """

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * _SCALES, width, 5, stride=2, padding=2)
        self.second = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.third = nn.Conv2d(2 * width, 2 * width, 3, stride=2, padding=1)
        self.out = nn.Linear(2 * width * (_PIECE_PX // 8) ** 2, out)

    def forward(self, images: Tensor, centres: Tensor) -> Tensor:
        """From pictures (B, 3, P, P) and places in them (B, K, 2) to (B, K, out)."""
        sharp = (functional.avg_pool2d(images, 2**scale) for scale in range(_SCALES))
        pieces = torch.cat([crops(image, centres) for image in sharp], dim=2)
        x = pieces.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        for layer in (self.first, self.second, self.third):
            x = functional.silu(layer(x))
        return functional.silu(self.out(x.flatten(1))).unflatten(0, pieces.shape[:2])


def crops(images: Tensor, centres: Tensor) -> Tensor:
    """Pieces of pictures, by bilinear sampling, zeros beyond their frames.

    Args:
        images: (B, 3, P, P).
        centres: right and down, (B, K, 2), the frame is [-1, 1].

    Returns:
        (B, K, 3, PIECE, PIECE).
    """
    offsets = grid(_PIECE_PX, centres) * (_PIECE_PX / images.shape[-1])
    places = (centres[:, :, None] + offsets).unflatten(2, (_PIECE_PX, _PIECE_PX)).flatten(1, 2)
    found = functional.grid_sample(images, places, align_corners=False)
    return found.unflatten(2, (-1, _PIECE_PX)).movedim(2, 1)


def grid(side: int, like: Tensor) -> Tensor:
    """Pixel centres (side², 2), right and down, in [-1, 1]."""
    line = (torch.arange(side, dtype=like.dtype, device=like.device) + 0.5) * (2 / side) - 1
    down, right = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([right.flatten(), down.flatten()], dim=-1)
