"""Frames with their origin at the tool: its heading frame stays upright, the hand's own tilts."""

from __future__ import annotations

import torch
from torch import Tensor


def rotation(proprio: Tensor) -> Tensor:
    """The hand's rotation, (B, 13) to (B, 3, 3)."""
    x, y = proprio[:, 3:6], proprio[:, 6:9]
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def to_tool(points: Tensor, proprio: Tensor) -> Tensor:
    """Base frame (B, S, 3) to the tool's heading frame, m."""
    return torch.einsum("bji,bsj->bsi", _heading(proprio), points - proprio[:, None, :3])


def from_tool(points: Tensor, proprio: Tensor) -> Tensor:
    """The tool's heading frame (B, S, 3) to the base frame, m."""
    return torch.einsum("bij,bsj->bsi", _heading(proprio), points) + proprio[:, None, :3]


def to_hand(points: Tensor, proprio: Tensor) -> Tensor:
    """Base frame (B, S, 3) to the hand's own frame, origin at the tool, m."""
    return torch.einsum("bji,bsj->bsi", rotation(proprio), points - proprio[:, None, :3])


def from_hand(points: Tensor, proprio: Tensor) -> Tensor:
    """The hand's own frame (B, S, 3) to the base frame, m."""
    return torch.einsum("bij,bsj->bsi", rotation(proprio), points) + proprio[:, None, :3]


def _heading(proprio: Tensor) -> Tensor:
    """Rotation by the hand's heading about the vertical (see `hand_heading_rad`), (B, 3, 3)."""
    s, c = proprio[:, 6] + proprio[:, 4], proprio[:, 3] - proprio[:, 7]
    size = torch.hypot(s, c).clamp(min=1e-6)
    s, c = s / size, c / size
    o, i = torch.zeros_like(s), torch.ones_like(s)
    return torch.stack([c, -s, o, s, c, o, o, o, i], dim=-1).view(-1, 3, 3)
