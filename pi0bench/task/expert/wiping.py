"""The skill that wipes: lead the held sponge over what is still dirty."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import SHUT
from pi0bench.envs.pose import Array
from pi0bench.task.expert.motion import View, least_turn, move

_HIGH_M = 0.10  # of the tool on its way to the patch
_LOW_M = 0.04  # a sponge that is lower, and far from the patch, must rise first
_LEAD_M = 0.030  # how far ahead of itself the sponge is sent
_PRESS_M = 0.001


def wipe(view: View, sponge: str, patch: str) -> Array:
    """Lead the held sponge to the next dirty place; flat on the table, once it is at the patch.

    The tool is as high over the table as when it gripped: a height kept over the sponge would
    press it down more and more.
    """
    world = view.world
    own, there, body = world.pose(sponge), world.pose(patch), world.scene.body(sponge)
    dirt = view.script.keypoints_m(world.scene, world.pose, view.script.hidden())
    lead = (dirt["dirt"] - own.pos_m)[:2] if dirt else np.zeros(2)
    far = float(np.linalg.norm(lead))
    low = body.bottom_m - _PRESS_M
    at_it = float(np.linalg.norm((own.pos_m - there.pos_m)[:2])) < world.scene.body(patch).radius_m
    if not at_it and own.pos_m[2] < _LOW_M and far > _HIGH_M:
        return move(view, np.array([*view.goal.pos_m[:2], _HIGH_M]), 0.0, SHUT)
    height = low if at_it else np.clip(low + 3 * (far - 0.02), low, _HIGH_M)
    turn = least_turn(there.yaw_rad() - own.yaw_rad(), body.yaw_symmetry)
    ahead = view.goal.pos_m[:2] + lead * min(1.0, _LEAD_M / max(far, 1e-9))
    return move(view, np.array([*ahead, height]), view.goal.yaw_rad() + turn, SHUT)
