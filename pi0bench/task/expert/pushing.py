"""Skills with shut fingers: touch, press, push, and open and shut a drawer."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.controller import SHUT
from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.world_protocol import World
from pi0bench.task import predicates
from pi0bench.task.expert.motion import TRAVEL_M, View, funnel, move, raised

_TIP_M = 0.0086  # the fingers end this far beyond the tool centre point
_HOOK_M, _SHOVE_M = -0.069, -0.103  # x of the tool when it pulls and pushes the drawer's bar
_LOW_M = 0.05  # height of the tool at the bar
_BESIDE_M = 0.040  # between the tool and the middle of a cube that it pushes


def touch(view: View, item: str) -> Array:
    """Press the shut fingers on the top of the object."""
    top = raised(view.world.pose(item).pos_m, view.world.scene.body(item).top_m + _TIP_M - 0.004)
    return move(view, funnel(view, top), 0.0, SHUT)


def press(view: View, button: str) -> Array:
    """Come down on the button with shut fingers and press it."""
    top = raised(view.world.pose(button).pos_m, view.world.scene.body(button).top_m)
    return move(view, funnel(view, raised(top, _TIP_M - 0.014)), 0.0, SHUT)


def pull_open(view: View, cabinet: str) -> Array:
    """Hook the shut fingers behind the drawer's bar and pull it open."""
    shell, drawer = view.world.pose(cabinet), _drawer(view.world, cabinet)
    x, y, z = _inside(drawer, view.goal)
    behind = -0.074 < x < -0.012 and abs(y) < 0.032 and z < _LOW_M + 0.012
    if behind:
        return move(view, _point(shell, _HOOK_M - 0.118, y), shell.yaw_rad(), SHUT)
    return move(view, funnel(view, _point(drawer, -0.045, 0.0)), shell.yaw_rad(), SHUT)


def push_shut(view: View, cabinet: str) -> Array:
    """Push the drawer's bar from the front until the drawer is shut."""
    shell, drawer = view.world.pose(cabinet), _drawer(view.world, cabinet)
    x, y, z = _inside(drawer, view.goal)
    before = x < _SHOVE_M + 0.012 and abs(y) < 0.04 and z < _LOW_M + 0.012
    if before:
        return move(view, _point(shell, _SHOVE_M + 0.015, y), shell.yaw_rad(), SHUT)
    return move(view, funnel(view, _point(drawer, _SHOVE_M - 0.02, 0.0)), shell.yaw_rad(), SHUT)


def push(view: View, item: str, zone: str) -> Array:
    """Push the object along the table to the middle of the zone, from behind it."""
    cube, tool = view.world.pose(item).pos_m, view.goal.pos_m
    way = (view.world.pose(zone).pos_m - cube)[:2]
    far = float(np.linalg.norm(way))
    ahead = way / max(far, 1e-6)
    yaw = _half_turn(float(np.arctan2(ahead[1], ahead[0])) - np.pi / 2)  # with a finger's side
    offset = (tool - cube)[:2]
    along, aside = float(offset @ ahead), float(offset @ [-ahead[1], ahead[0]])
    start = cube[:2] - ahead * _BESIDE_M
    if along < -0.028 and abs(aside) < 0.02 and tool[2] < 0.035:
        return move(view, np.array([*(start + ahead * min(0.026, far)), 0.02]), yaw, SHUT)
    point = funnel(view, np.array([*(start - ahead * 0.016), 0.02]), room_m=0.010)
    if tool[2] < 0.06 and along > -0.038:  # never through the cube
        point = np.array([*tool[:2], TRAVEL_M])
    return move(view, point, yaw, SHUT)


def _half_turn(yaw_rad: float) -> float:
    """The heading, or its opposite, that is nearer to straight."""
    return float((yaw_rad + np.pi / 2) % np.pi - np.pi / 2)


def rise(view: View) -> Array:
    """Rise from where the tool is, fingers shut."""
    return move(view, np.array([*view.goal.pos_m[:2], TRAVEL_M + 0.03]), 0.0, SHUT)


def _drawer(world: World, cabinet: str) -> Pose:
    return predicates.link_pose(world, cabinet, "drawer")


def _inside(frame: Pose, goal: Pose) -> Array:
    """The commanded tool in the frame, (3,)."""
    return frame.rot.T @ (goal.pos_m - frame.pos_m)


def _point(frame: Pose, x_m: float, y_m: float) -> Array:
    """A point at the bar's height, (3,)."""
    return frame.pos_m + frame.rot @ np.array([x_m, y_m, _LOW_M])
