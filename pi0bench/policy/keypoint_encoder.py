"""From two pictures to where each known thing is; this stands in for π0's image pre-training.

A small convolutional network a camera draws one heat map a keypoint ("red cube", "bowl"); the maps'
centres become rays of the calibrated cameras, the rays meet the table, and a small network
corrects the result. The keypoints that are likeliest to be there are then looked at closely, each
in a small piece of both pictures, as He et al. 2017 (Mask R-CNN) look at regions: it tells how a
thing is turned, and places to less than a pixel. Letters: B observations, C cameras, S keypoints,
K of them looked at closely, P pixels a side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pi0bench.policy.keypoint_networks import CloseLook, Heatmaps, grid
from pi0bench.policy.keypoints import MOST_KEYPOINTS, Keypoints, likeliest
from pi0bench.policy.policy_protocol import PROPRIO_DIM
from pi0bench.policy.tool_frame import rotation, to_tool

_PARTS = (1, 3, 3, 3, 2, 3)  # presence, the three places, heading, logarithms of their errors
COARSE_PX = 64  # side of the pictures that heat maps are drawn of


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
        inputs = len(self.cameras) * (2 + 3 + 1 + width + 2) + PROPRIO_DIM + 16
        self.keypoint_embedding = nn.Parameter(torch.zeros(len(keypoints), 16))
        self.hidden = nn.Linear(inputs, 192)
        self.hidden2 = nn.Linear(192, 192)
        self.out = nn.Linear(192, sum(_PARTS))
        close = {name: CloseLook(width, 64) for name in self.cameras}
        self.close = nn.ModuleDict(close)
        self.hidden3 = nn.Linear(192 + len(self.cameras) * 64, 192)
        self.correction = nn.Linear(192, sum(_PARTS))

    height_m: Tensor

    def forward(self, images: Mapping[str, Tensor], proprio: Tensor) -> Keypoints:
        """From pictures, (B, P, P, 3) uint8 a camera, and proprioception, (B, 13)."""
        rows: list[Tensor] = []
        pictures: list[Tensor] = []
        pixels, planes = [], []
        for name in self.cameras:
            x = images[name].permute(0, 3, 1, 2).float() / 127.5 - 1
            pictures.append(x)
            x = functional.avg_pool2d(x, x.shape[-1] // COARSE_PX)
            heat, features = self.heatmaps[name](x.contiguous(memory_format=torch.channels_last))
            weight = heat.flatten(2).softmax(-1)
            pixel = torch.einsum("bsn,nc->bsc", weight, grid(heat.shape[-1], heat))
            local = torch.einsum("bsn,bfn->bsf", weight, features.flatten(2))
            plane, ray = self._lift(name, pixel, proprio)
            rows += [plane, ray, weight.amax(-1, keepdim=True), local, pixel]
            pixels.append(pixel)
            planes.append(plane)
        shape = (*planes[0].shape[:2], -1)
        state = proprio[:, None].expand(-1, shape[1], -1)
        names = self.keypoint_embedding.expand(shape[0], -1, -1)
        x = functional.silu(self.hidden(torch.cat([*rows, state, names], dim=-1)))
        x = x + functional.silu(self.hidden2(x))
        said = self.out(x)
        chosen = likeliest(said[..., 0], MOST_KEYPOINTS)
        said = said + self._corrections(pictures, pixels, x, chosen)
        present, pos, near, held, heading, error = said.split(_PARTS, dim=-1)
        height = self.height_m[:, None].expand_as(planes[0][..., :1])
        front = torch.cat([planes[0], height], dim=-1)
        wrist = to_tool(torch.cat([planes[-1], height], dim=-1), proprio)
        return Keypoints(
            present[..., 0],
            front + 0.1 * pos,
            wrist + 0.1 * near,
            0.1 * held,
            heading,
            error - 4,
            torch.stack(pixels, dim=2),
        )

    def _corrections(
        self, pictures: Sequence[Tensor], pixels: Sequence[Tensor], x: Tensor, chosen: Tensor
    ) -> Tensor:
        """What a close look changes, (B, S, …), zeros for who is not chosen, (B, K).

        Args:
            pictures: of each camera, (B, 3, P, P).
            pixels: each keypoint's centre in them, (B, S, 2).
            x: what is known of each keypoint, (B, S, 192).
            chosen: their numbers.
        """
        at = chosen[..., None]
        known = [x.take_along_dim(at, 1)]
        for name, picture, pixel in zip(self.cameras, pictures, pixels, strict=True):
            known.append(self.close[name](picture, pixel.detach().take_along_dim(at, 1)))
        change = self.correction(functional.silu(self.hidden3(torch.cat(known, dim=-1))))
        nothing = change.new_zeros(*x.shape[:2], change.shape[-1])
        return nothing.scatter(1, at.expand_as(change), change)

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
