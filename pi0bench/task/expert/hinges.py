"""Skills with a lid that is led along its arc by a pin, which turns between the fingers."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import OPEN, SHUT
from pi0bench.envs.pose import Array
from pi0bench.task import predicates
from pi0bench.task.expert.motion import View, funnel, move, raised
from pi0bench.task.object_needs import loose_joint

_AHEAD_RAD = 0.06  # a greater lead draws the pin out of the pads
_SLIP_M = 0.006  # of the pin between the pads, which the aim keeps lest the lid stands still
_OVER_M = 0.10  # height over the pin at which the tool comes to it and leaves it
_PAST_RAD = -0.10  # where a lid is led that shall be shut, beyond its stop


def raise_lid(view: View, lid_box: str, *, to_rad: float = 1.8) -> Array:
    """Pinch the lid's pin, the object's first keypoint, and lead it up along its arc."""
    return _lead(view, lid_box, to_rad)


def lower_lid(view: View, lid_box: str) -> Array:
    """Pinch the lid's pin and lead it down until the lid is shut."""
    return _lead(view, lid_box, _PAST_RAD)


def leave_pin(view: View, lid_box: str) -> Array:
    """Open the fingers, then rise off the pin."""
    opened = view.world.arm().width_m > 0.06 and predicates.released(view.world, lid_box)
    up = raised(view.goal.pos_m, _OVER_M if opened else 0.0)
    return move(view, up, view.world.pose(lid_box).yaw_rad(), OPEN)


def _lead(view: View, lid_box: str, to_rad: float) -> Array:
    world, yaw = view.world, view.world.pose(lid_box).yaw_rad()
    at = float(world.joints(lid_box)[loose_joint(world.scene.body(lid_box))])
    pin = predicates.keypoint_m(world, lid_box)
    if predicates.gripped(world, lid_box):
        ahead = at + float(np.clip(to_rad - at, -_AHEAD_RAD, _AHEAD_RAD))
        slip = np.clip(view.goal.pos_m - pin, -_SLIP_M, _SLIP_M)
        return move(view, _pin_m(view, lid_box, ahead) + slip, yaw, SHUT)
    there = np.abs(pin - predicates.tcp_m(world)).max() < 0.010
    point = funnel(view, pin, high_m=float(pin[2]) + _OVER_M)
    return move(view, point, yaw, SHUT if there else OPEN)


def _pin_m(view: View, lid_box: str, at_rad: float) -> Array:
    """Where the pin is while the lid stands at that angle, (3,)."""
    body, joints = view.world.scene.body(lid_box), [*view.world.joints(lid_box)]
    joints[loose_joint(body)] = at_rad
    pin = body.keypoints[0]
    link = body.link_poses(view.world.root_pose(lid_box), joints)[pin.link]
    return link.pos_m + link.rot @ np.array(pin.pos_m)
