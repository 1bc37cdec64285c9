"""KeypointEncoder: their geometry is the cameras', and each row is on its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pi0bench.envs.cameras import CAMERAS, Snapshot, calibration, camera, project
from pi0bench.envs.panda_kinematics import forward, inverse, panda
from pi0bench.envs.pose import Pose, downward, rot_of
from pi0bench.envs.proprioception import PROPRIO_DIM as ROBOTS_DIM
from pi0bench.envs.proprioception import proprio
from pi0bench.policy.keypoint_encoder import KeypointEncoder
from pi0bench.policy.keypoint_networks import crops
from pi0bench.policy.keypoints import Keypoints
from pi0bench.policy.policy_protocol import PROPRIO_DIM
from pi0bench.policy.tool_frame import from_hand, from_tool, to_hand, to_tool
from pi0bench.policy.weight_init import initialise


def eyes() -> KeypointEncoder:
    made = KeypointEncoder({"red cube": 0.02, "bowl": 0.0}, calibration(), 4)
    initialise(made, torch.Generator().manual_seed(0))
    return made.eval()


def arm(yaw_rad: float) -> np.ndarray:
    rot = rot_of(np.array([0, 0, yaw_rad])) @ forward(panda().home_rad).rot
    return inverse(Pose(np.array([0.5, 0.05, 0.2]), rot), panda().home_rad, iterations=60)


@pytest.mark.parametrize("name", CAMERAS)
@pytest.mark.parametrize("yaw_rad", [-0.5, 0.0, 0.4])
def test_a_pixel_of_a_point_on_the_plane_leads_back_to_it(name: str, yaw_rad: float) -> None:
    q = arm(yaw_rad)
    points = np.array([[0.52, 0.04, 0.02], [0.56, 0.08, 0.0]])  # at the heights of the looks
    pixel = project(camera(name, Snapshot(q, 0.08, {}, {})), points)
    assert np.abs(pixel).max() < 1, "the points must be in the picture"
    feel = torch.from_numpy(proprio(forward(q), 0.08, forward(q).pos_m))[None]
    plane, _ = eyes()._lift(name, torch.from_numpy(pixel)[None].float(), feel)
    assert np.allclose(plane[0], points[:, :2], atol=2e-3)


def test_the_tools_frame_has_its_origin_at_the_tool_and_turns_with_the_hand() -> None:
    q = arm(0.4)
    feel = torch.from_numpy(proprio(forward(q), 0.08, forward(q).pos_m))[None]
    at = torch.tensor([[[0.5, 0.05, 0.2], [0.5 + np.cos(0.4), 0.05 + np.sin(0.4), 0.2]]])
    near = to_tool(at.float(), feel)[0]
    assert torch.allclose(near[0], torch.zeros(3), atol=2e-3)
    assert torch.allclose(near[1], torch.tensor([1.0, 0, 0]), atol=3e-3)
    assert torch.allclose(from_tool(near[None], feel)[0], at[0].float(), atol=1e-6)


def test_of_two_estimates_the_surer_one_counts() -> None:
    q = arm(0.4)
    feel = torch.from_numpy(proprio(forward(q), 0.08, forward(q).pos_m))[None]
    at, off = torch.tensor([[[0.55, 0.0, 0.02]] * 3]), torch.tensor([0.04, 0.0, 0.0])
    near, log_error = to_tool(at, feel), torch.tensor([0.001, 0.01, 1.0]).log()
    said = log_error[torch.tensor([[0, 1, 2], [1, 0, 2], [0, 0, 2]])][None]
    nothing, pixels = torch.zeros(1, 3), torch.zeros(1, 3, len(CAMERAS), 2)
    seen = Keypoints(nothing, at, near + off, 0 * at, torch.zeros(1, 3, 2), said, pixels)
    place, error = seen.place_from_tool(feel)
    away = to_tool(place + feel[:, None, :3], feel) - near
    assert torch.allclose(away[0, :, 0], torch.tensor([0.0004, 0.0396, 0.02]), atol=1e-5)
    assert torch.allclose(
        error[0, :, 0].exp(), torch.tensor([0.995e-3, 0.995e-3, 0.707e-3]), rtol=1e-3
    )


def test_permuting_the_batch_permutes_what_is_seen() -> None:
    generator = torch.Generator().manual_seed(1)
    shape = (3, 128, 128, 3)
    images = {n: torch.randint(0, 255, shape, generator=generator).byte() for n in CAMERAS}
    feel = torch.randn(3, PROPRIO_DIM, generator=generator)
    order = torch.tensor([2, 0, 1])
    model = eyes()
    with torch.inference_mode():
        straight = model(images, feel).features(feel)
        mixed = model({n: x[order] for n, x in images.items()}, feel[order]).features(feel[order])
    assert torch.allclose(straight[order], mixed, atol=1e-5)
    assert not torch.allclose(straight[0], straight[1])


def test_a_piece_is_what_lies_around_its_centre_and_black_beyond_the_frame() -> None:
    picture = torch.arange(64.0 * 64).view(1, 1, 64, 64).expand(1, 3, 64, 64)
    middle, corner = torch.tensor([0.0, 0.0]), torch.tensor([1.0, -1.0])
    (one, other), *none = crops(picture, torch.stack([middle, corner])[None])
    assert not none
    assert torch.allclose(one, picture[0, :, 16:48, 16:48])
    assert torch.allclose(other[:, 16:, :16], picture[0, :, :16, 48:])
    assert other[:, :16].abs().max() == other[:, :, 16:].abs().max() == 0


def test_policies_and_worlds_mean_the_same_proprioception() -> None:
    assert PROPRIO_DIM == ROBOTS_DIM


def test_the_hands_own_frame_tilts_with_it() -> None:
    tilted = Pose(np.array([0.5, 0.0, 0.2]), rot_of(np.array([0.0, 0.4, 0.0])) @ downward(0.3))
    feel = torch.from_numpy(proprio(tilted, 0.08, tilted.pos_m))[None]
    below = tilted.pos_m + tilted.rot @ [0.0, 0.0, 0.05]
    points = torch.from_numpy(np.stack([tilted.pos_m, below])).float()[None]
    there = to_hand(points, feel)
    expected = torch.tensor([[[0.0, 0, 0], [0, 0, 0.05]]])
    torch.testing.assert_close(there, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(from_hand(there, feel), points)
