"""The skill that pushes a flat block onto its outline: choose a side, get there, push a little.

A model says how long each place to push would take to bring the block there. What the tool is
already at needs no time to reach, so a choice stays while it is good.
"""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import SHUT
from pi0bench.envs.pose import Array, Pose
from pi0bench.task.expert.motion import View, move
from pi0bench.task.expert.push_geometry import REACH_M, pushes
from pi0bench.task.predicates import tcp_m

_LOW_M, _OVER_M = 0.014, 0.062  # height of the tool when it pushes, and when it passes over
_GAP_M = 0.010  # between the finger and the side that it comes down beside
_AHEAD_M = 0.010  # how far ahead of itself the tool is sent, which limits its speed
_LEAD_M = 0.002  # so that the last bit of a push does not take forever
_SPEED_M_S = 0.2
_OVER_S, _SHIFT_S = 1.4, 0.6  # to rise and come down again; to shift along a side
_TOUCH_S = 0.3  # to reach the side, from beside it
_LAG_M, _RISE = 0.004, 2.0  # how far the tool lags as the block slides; how it rises, for more
_RISEN_M = 0.026  # no higher: there the fingers still meet the block
_TURN_S = 0.4  # for a radian
_SAVES_S = 0.5  # what a push on must save, lest one that helps nothing puts off changing sides
_YAW_RAD = (np.radians(-80.0), np.radians(170.0))  # headings that the wrist reaches everywhere
_AREA_M = ((0.26, -0.38), (0.74, 0.38))


def push_t(view: View, block: str, outline: str) -> Array:
    """Push the block along the table until it lies on its outline."""
    pose, tool = view.world.pose(block), view.goal
    seen = view.world.pose(outline).inverse() @ pose
    known = pushes(view.world.scene.body(block))
    length, needed = known.best(seen.pos_m[:2], seen.yaw_rad())
    rot = pose.rot[:2, :2]
    inward = known.inward @ rot.T
    at = pose.pos_m[:2] + known.point_m @ rot.T - REACH_M * inward  # the tool in contact, (N, 2)
    gap = tool.pos_m[:2] - at
    along = np.sum(gap * inward, 1)
    aside = inward[:, 0] * gap[:, 1] - inward[:, 1] * gap[:, 0]
    facing = (along > -0.020) & (along < 0.025) & (tool.pos_m[2] < 0.03)
    lane = facing & (np.abs(aside) < 0.009)
    beside = lane | (facing & (np.abs(aside) < 0.05) & (along < 0.008))  # not round a corner
    over_s = _OVER_S if tool.pos_m[2] < 0.03 else _SHIFT_S
    turn = np.arctan2(inward[:, 1], inward[:, 0]) - tool.yaw_rad()
    cost = needed + _TURN_S * np.abs(turn - np.pi * np.rint(turn / np.pi))
    cost += np.where(lane, _SAVES_S, np.hypot(along + _GAP_M, aside) / _SPEED_M_S)
    cost += np.where(lane, 0.0, np.where(beside, _SHIFT_S, over_s))
    cost += np.where(lane & (along > -0.004), 0.0, _TOUCH_S)
    least, most = np.array(_AREA_M)
    cost[np.any((at < least) | (at > most), axis=1)] += 100.0
    best = int(np.argmin(cost))
    yaw = _heading(inward[best], tool)
    turned = abs(yaw - tool.yaw_rad())
    turned = min(turned, 2 * np.pi - turned)
    # Fingers that still come down as they push would press the block onto the table, which pins it.
    settled = along[best] > -0.004 or (tool.pos_m[2] < _LOW_M + 0.001 and abs(aside[best]) < 0.004)
    if lane[best] and turned < 0.3 and settled:
        ahead = min(float(length[best]) + _LEAD_M - float(along[best]), _AHEAD_M)
        stuck_m = _stuck_m(view, inward[best])
        pushed = tool.pos_m[:2] + (ahead - 2 * stuck_m) * inward[best]
        height = min(tool.pos_m[2] + _RISE * stuck_m, _RISEN_M)
        return move(view, np.array([*pushed, height]), yaw, SHUT)
    start = at[best] - _GAP_M * inward[best]
    touching = facing & (np.abs(aside) < 0.02) & (along > -0.005)
    if touching.any() and np.linalg.norm(start - tool.pos_m[:2]) > 0.012:
        side = int(np.argmin(np.where(touching, np.abs(aside), 1.0)))
        back = tool.pos_m[:2] - _GAP_M * inward[side]  # first away, lest the finger drags the block
        return move(view, np.array([*back, tool.pos_m[2]]), tool.yaw_rad(), SHUT)
    if beside[best] and turned < 0.3:
        return move(view, np.array([*start, _LOW_M]), yaw, SHUT)
    return move(view, _over(tool, start, turned), yaw, SHUT)


def _stuck_m(view: View, inward: Array) -> float:
    """How much more the tool lags behind where it is sent than it does when the block slides.

    The arm gives way downwards as it pushes, and takes the block along and pins it to the table.
    """
    lag_m = float((view.goal.pos_m - tcp_m(view.world))[:2] @ inward)
    return max(0.0, lag_m - _LAG_M)


def _over(tool: Pose, start_m: Array, turned_rad: float) -> Array:
    """The point to move to now to come down at `start_m`, (2,) → (3,): up, over and down."""
    off = float(np.linalg.norm(start_m - tool.pos_m[:2]))
    if tool.pos_m[2] < 0.045 and (off > 0.008 or turned_rad > 0.3):
        return np.array([*tool.pos_m[:2], _OVER_M])
    height = np.clip(_LOW_M + 4.0 * (off - 0.004) + 0.1 * turned_rad, _LOW_M, _OVER_M)
    return np.array([*start_m, height])


def _heading(inward: Array, tool: Pose) -> float:
    """The heading, nearest to the tool's, in which the fingers' common face meets the block.

    Their outer sides would do, too, but there the fingers' drive gives way by a centimetre.
    """
    flat = float(np.arctan2(inward[1], inward[0]))
    fit = [yaw for k in range(-2, 4) if _YAW_RAD[0] <= (yaw := flat + np.pi * k) <= _YAW_RAD[1]]
    return min(fit, key=lambda yaw: abs(yaw - tool.yaw_rad()))
