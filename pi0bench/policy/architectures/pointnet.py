"""DP3's encoder of point clouds: each point by itself, then the greatest of each channel.

Source: Ze et al. 2024 ("3D Diffusion Policy"), `PointNetEncoder`; Qi et al. 2017 ("PointNet").
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

POINT_DIM = 6


class PointNet(nn.Module):
    """Points to one vector that does not depend on their order.

    Args:
        widths: of the hidden layers.
        out: width of the result.
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256), out: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in zip((POINT_DIM, *widths), widths, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.LayerNorm(outputs), nn.ReLU()]
        self.each = nn.Sequential(*layers)
        self.all = nn.Sequential(nn.Linear(widths[-1], out), nn.LayerNorm(out))

    def forward(self, points: Tensor) -> Tensor:
        """Points as `observe.points` gives them, (B, N, 6), to (B, out)."""
        return self.all(self.each(points).amax(dim=1))
