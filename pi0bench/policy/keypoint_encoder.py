"""From two pictures to where each known thing is; this stands in for π0's image pre-training.

A small convolutional network a camera draws one heat map a keypoint ("red cube", "bowl"); the maps'
centres become rays of the calibrated cameras, the rays meet the table, and a small network
corrects the result. Letters: B observations, C cameras, S keypoints, P pixels a side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pi0bench.policy.policy_protocol import PROPRIO_DIM
from pi0bench.policy.tool_frame import from_tool, rotation, to_tool

FEATURE_DIM = 1 + 3 + 2 + 1
"""Presence, place, heading and the logarithm of the place's expected error."""
MOTION_DIM = 3


@dataclass(frozen=True)
class Keypoints:
    """What pictures say of each keypoint.

    Attributes:
        present: logit that it is in the scene, (B, S).
        pos_m: in the base frame, (B, S, 3).
        from_tool_m: in the tool's heading frame, origin at the tool, (B, S, 3).
        heading: cosine and sine of the heading relative to the hand times the thing's symmetry
            (four for a cube), (B, S, 2).
        log_error: logarithm of the expected error of pos_m and from_tool_m, metres, (B, S, 2).
        pixel: centre in each picture, right and down, the frame is [-1, 1], (B, S, C, 2).
    """

    present: Tensor
    pos_m: Tensor
    from_tool_m: Tensor
    heading: Tensor
    log_error: Tensor
    pixel: Tensor

    def features(self, proprio: Tensor) -> Tensor:
        """What a policy gets of each keypoint, (B, S, FEATURE_DIM).

        Its presence, its place from the tool (see `place_from_tool`), its heading, and the
        logarithm of the place's expected error.
        """
        present = torch.sigmoid(self.present)[..., None]
        near, error = self.place_from_tool(proprio)
        return torch.cat([present, near, self.heading, error], dim=-1)

    def place_from_tool(self, proprio: Tensor) -> tuple[Tensor, Tensor]:
        """Where it is from the tool along the base's axes, as actions lead, (B, S, 3).

        `pos_m` is good where the front camera sees the thing and `from_tool_m` where the wrist's
        does; each says how far to trust it, and the two are weighted by their precision.

        Returns:
            The place, m, and the logarithm of its expected error, (B, S, 1).
        """
        share = (2 * (self.log_error[..., :1] - self.log_error[..., 1:])).sigmoid()
        place = torch.lerp(self.pos_m, from_tool(self.from_tool_m, proprio), share)
        error = -0.5 * (-2 * self.log_error).logsumexp(-1, keepdim=True)
        return place - proprio[:, None, :3], error

    def rows(self, chosen: NDArray[np.intp]) -> Keypoints:
        """Those of some observations."""
        at = torch.from_numpy(chosen)
        return Keypoints(**{name: x[at] for name, x in vars(self).items()})

    def moved(self, before: Keypoints) -> Tensor:
        """How far each keypoint has come since, in the base frame, (B, S, MOTION_DIM)."""
        return self.pos_m - before.pos_m


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


class KeypointEncoder(nn.Module):
    """See the module's docstring.

    Args:
        keypoints: what to tell apart, S names, each with the height in metres at which its point
            usually is; rays are met with the plane of that height.
        calibration: camera name → on_tool, pos_m, rot, fovy_deg (see `envs.cameras.calibration`).
        width: channels of the first layer.
    """

    def __init__(
        self,
        keypoints: Mapping[str, float],
        calibration: Mapping[str, Mapping[str, Any]],
        width: int = 24,
    ) -> None:
        super().__init__()
        self.keypoints, self.cameras = tuple(keypoints), tuple(calibration)
        self.register_buffer("height_m", torch.tensor(list(keypoints.values())), persistent=False)
        heatmaps = {name: Heatmaps(len(keypoints), width) for name in self.cameras}
        self.heatmaps = nn.ModuleDict(heatmaps)
        self.calibration = calibration
        inputs = len(self.cameras) * (2 + 3 + 1 + width) + PROPRIO_DIM + 16
        self.keypoint_embedding = nn.Parameter(torch.zeros(len(keypoints), 16))
        self.hidden = nn.Linear(inputs, 192)
        self.hidden2 = nn.Linear(192, 192)
        self.out = nn.Linear(192, 1 + 3 + 3 + 2 + 2)

    height_m: Tensor

    def forward(self, images: Mapping[str, Tensor], proprio: Tensor) -> Keypoints:
        """From pictures, (B, P, P, 3) uint8 a camera, and proprioception, (B, 13)."""
        rows: list[Tensor] = []
        pixels, planes = [], []
        for name in self.cameras:
            x = images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            heat, features = self.heatmaps[name](x.contiguous(memory_format=torch.channels_last))
            weight = heat.flatten(2).softmax(-1)
            pixel = torch.einsum("bsn,nc->bsc", weight, _grid(heat.shape[-1], heat))
            local = torch.einsum("bsn,bfn->bsf", weight, features.flatten(2))
            plane, ray = self._lift(name, pixel, proprio)
            peak = weight.amax(-1, keepdim=True)
            rows += [plane, ray, peak, local]
            pixels.append(pixel)
            planes.append(plane)
        shape = (*planes[0].shape[:2], -1)
        state = proprio[:, None].expand(-1, shape[1], -1)
        names = self.keypoint_embedding.expand(shape[0], -1, -1)
        x = functional.silu(self.hidden(torch.cat([*rows, state, names], dim=-1)))
        x = x + functional.silu(self.hidden2(x))
        present, pos, near, heading, error = self.out(x).split([1, 3, 3, 2, 2], dim=-1)
        height = self.height_m[:, None].expand_as(planes[0][..., :1])
        front = torch.cat([planes[0], height], dim=-1)
        wrist = to_tool(torch.cat([planes[-1], height], dim=-1), proprio)
        return Keypoints(
            present[..., 0],
            front + 0.1 * pos,
            wrist + 0.1 * near,
            heading,
            error - 4,
            torch.stack(pixels, dim=2),
        )

    def _lift(self, name: str, pixel: Tensor, proprio: Tensor) -> tuple[Tensor, Tensor]:
        """Where each pixel's ray meets the plane, (B, S, 2), and the ray's direction, (B, S, 3)."""
        known = self.calibration[name]
        eye = torch.tensor(known["pos_m"], dtype=pixel.dtype, device=pixel.device)
        rot = torch.tensor(known["rot"], dtype=pixel.dtype, device=pixel.device).view(3, 3)
        spread = torch.tan(torch.deg2rad(torch.tensor(known["fovy_deg"] / 2)))
        local = torch.cat(
            [pixel * pixel.new_tensor([1, -1]) * spread, -torch.ones_like(pixel[..., :1])], -1
        )
        ray = local @ rot.T
        origin = eye.expand(len(proprio), 3)
        if known["on_tool"]:
            hand = rotation(proprio)
            ray = torch.einsum("bij,bsj->bsi", hand, ray)
            origin = proprio[:, :3] + torch.einsum("bij,j->bi", hand, eye)
        drop = self.height_m[:, None] - origin[:, None, 2:]
        reach = (drop / ray[..., 2:].clamp(max=-0.05)).clamp(0, 2)
        return origin[:, None, :2] + reach * ray[..., :2], ray


def _grid(side: int, like: Tensor) -> Tensor:
    """Pixel centres (side², 2), right and down, in [-1, 1]."""
    line = (torch.arange(side, dtype=like.dtype, device=like.device) + 0.5) * (2 / side) - 1
    down, right = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([right.flatten(), down.flatten()], dim=-1)
