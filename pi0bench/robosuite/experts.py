"""Scripted experts for robosuite's tasks, without memory: each move follows from what is now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pi0bench.envs.controller import OPEN, SHUT
from pi0bench.envs.pose import Array, Pose, downward, vector_of
from pi0bench.robosuite.environment import Stage

_UP = np.array([0.0, 0.0, 1.0])
_GAIN, _TURN_GAIN = 12.0, 2.0


def _toward(stage: Stage, pos_m: Array, rot: Array, grip: float, most: float = 1.0) -> Array:
    """An action towards a pose of the tool, (7,), with at most that speed."""
    tool = stage.tool()
    move = np.clip((pos_m - tool.pos_m) * _GAIN, -most, most)
    turn = np.clip(vector_of(rot @ tool.rot.T) * _TURN_GAIN, -1, 1)
    return np.concatenate([move, turn, [grip]])


def _nearest(yaw_rad: float, to_rad: float, fold_rad: float) -> float:
    """The heading that is the same for a thing of that symmetry, as near as can be."""
    return to_rad + (yaw_rad - to_rad + fold_rad / 2) % fold_rad - fold_rad / 2


def _pick(
    stage: Stage, at: Pose, fold_rad: float, clear_m: float = 0.08, about_rad: float = np.pi / 2
) -> Array:
    """Over it, down to it, and shut, its heading within half a fold of `about_rad`."""
    tool, rot = stage.tool(), downward(_nearest(at.yaw_rad(), about_rad, fold_rad))
    off_m = float(np.linalg.norm((at.pos_m - tool.pos_m)[:2]))
    above_m = tool.pos_m[2] - at.pos_m[2]
    turn_rad = np.linalg.norm(vector_of(rot @ tool.rot.T))
    if off_m > 0.015 or (turn_rad > 0.15 and above_m > 0.03):
        height_m = clear_m if off_m > 0.03 else max(above_m, 0.0)
        return _toward(stage, at.pos_m + height_m * _UP, rot, OPEN)
    return _toward(stage, at.pos_m, rot, OPEN if above_m > 0.008 else SHUT)


def _leave(stage: Stage, open_m: float) -> Array:
    """Open where it is, then up."""
    tool = stage.tool()
    rise_m = 0.08 if stage.width_m() > open_m else 0.0
    return _toward(stage, tool.pos_m + rise_m * _UP, tool.rot, OPEN)


def lift(stage: Stage) -> Array:
    """Pick the cube and raise it."""
    tool = stage.tool()
    if stage.holds(stage.env.cube):
        return _toward(stage, tool.pos_m + 0.05 * _UP, downward(tool.yaw_rad()), SHUT)
    return _pick(stage, stage.body("cube_main"), np.pi / 2)


def stack(stage: Stage) -> Array:
    """Pick the red cube, carry it over the green one, put it down and leave."""
    tool, cube = stage.tool(), stage.body("cubeA_main")
    top_m = stage.body("cubeB_main").pos_m + 0.045 * _UP
    off_m = float(np.linalg.norm((cube.pos_m - top_m)[:2]))
    if off_m < 0.012 and abs(cube.pos_m[2] - top_m[2]) < 0.008:
        return _leave(stage, 0.06)
    if not stage.holds(stage.env.cubeA):
        return _pick(stage, cube, np.pi / 2)
    rot, goal_m = downward(tool.yaw_rad()), top_m - (cube.pos_m - tool.pos_m)
    low = cube.pos_m[2] < top_m[2] + (0.03 if off_m > 0.03 else 0.01)
    if off_m > 0.008 and low:
        return _toward(stage, np.array([*tool.pos_m[:2], goal_m[2] + 0.06]), rot, SHUT)
    if off_m > 0.006:
        height_m = max(tool.pos_m[2], goal_m[2] + 0.03)
        return _toward(stage, np.array([*goal_m[:2], height_m]), rot, SHUT)
    return _toward(stage, goal_m, rot, SHUT, most=0.4)


def pick_place_can(stage: Stage) -> Array:
    """Pick the can, carry it over its bin's near corner, which the arm reaches, and drop it."""
    tool, can = stage.tool(), stage.body("Can_main")
    goal_m = stage.body("bin2").pos_m + np.array([0.05, 0.055, 0.06])
    off_m = float(np.linalg.norm((can.pos_m - goal_m)[:2]))
    held = stage.holds(stage.env.objects[stage.env.object_id])
    if not held and off_m < 0.08 and can.pos_m[2] < 0.05:
        return _leave(stage, 0.07)
    if not held:
        return _pick(stage, Pose(can.pos_m + 0.01 * _UP), np.pi, clear_m=0.12)
    rot = downward(np.pi / 2)
    if off_m > 0.03 and can.pos_m[2] < 0.10:
        return _toward(stage, tool.pos_m + 0.08 * _UP, rot, SHUT)
    if off_m > 0.03:
        height_m = tool.pos_m[2] + 0.13 - can.pos_m[2]
        return _toward(stage, np.array([*goal_m[:2], height_m]), rot, SHUT)
    if can.pos_m[2] > 0.03:
        return _toward(stage, tool.pos_m - 0.05 * _UP, rot, SHUT)
    return _toward(stage, tool.pos_m, rot, OPEN)


def door(stage: Stage) -> Array:
    """Turn the hand over, grip the lever from the front, press it down and pull."""
    tool, latch = stage.tool(), stage.body("Door_latch")
    site_m, out = stage.site("Door_handle").pos_m, -latch.rot[:, 1]
    if tool.rot[2, 2] < -0.8 and tool.rot[1, 0] > -0.6:
        # Half a turn of the last joint first: the other way it has no room to follow the lever.
        wait_m = np.array([0.42, 0.0, 0.2])
        move = np.clip((wait_m - tool.pos_m) * 8, -1, 1)
        return np.concatenate([move, -0.8 * tool.rot[:, 2], [OPEN]])
    across: Array = np.cross(latch.rot[:, 0], out)
    across *= np.sign(across[2])
    rot: Array = np.stack([across, np.cross(-out, across), -out], axis=1)
    gap = tool.pos_m - site_m
    before_m = float(gap @ out)
    off_m = float(np.linalg.norm(gap - before_m * out))
    if before_m < 0.025 and off_m < 0.03 and stage.width_m() < 0.055:
        held_m = site_m + before_m * out
        if stage.joint("Door_latch_joint") < 1.15 and stage.joint("Door_hinge") < 0.03:
            along = np.cross(latch.rot[:, 1], site_m - latch.pos_m)
            return _toward(stage, held_m + 0.04 * along / np.linalg.norm(along), rot, SHUT)
        return _toward(stage, held_m + 0.07 * out, rot, SHUT)
    turn_rad = np.linalg.norm(vector_of(rot @ tool.rot.T))
    if off_m > 0.02 or turn_rad > 0.25:
        far = off_m > 0.05 or turn_rad > 0.25
        return _toward(stage, site_m + (0.13 if far else max(before_m, 0.02)) * out, rot, OPEN)
    return _toward(stage, site_m, rot, OPEN if before_m > 0.012 else SHUT)


def nut_assembly_square(stage: Stage) -> Array:
    """Pick the nut by its handle, turn that towards the robot, and lower the nut over the peg.

    Only so does the arm reach the peg. The hand grips and turns within half a turn each side of
    one heading: from there the last joint gets to either heading that has the handle that way.
    """
    tool, nut, peg_m = stage.tool(), stage.site("SquareNut_center_site"), stage.body("peg1").pos_m
    about_rad, heading_rad = np.pi - 0.4, nut.yaw_rad()
    off_m = float(np.linalg.norm((nut.pos_m - peg_m)[:2]))
    if off_m < 0.02 and nut.pos_m[2] < peg_m[2] + 0.01:
        return _leave(stage, 0.07)
    if not stage.holds(stage.env.nuts[stage.env.nut_id]):
        # Near the handle's end: closer in, open fingers touch the square as if they held it.
        at = Pose(nut.pos_m + 0.064 * nut.rot[:, 0], downward(heading_rad + np.pi / 2))
        return _pick(stage, at, np.pi, about_rad=about_rad)
    low = nut.pos_m[2] < peg_m[2] + 0.07
    over_m = peg_m - (nut.pos_m - tool.pos_m)
    if off_m > 0.03 and low:
        high_m = np.array([*tool.pos_m[:2], over_m[2] + 0.13])
        return _toward(stage, high_m, downward(tool.yaw_rad()), SHUT)
    yaw_rad = _nearest(tool.yaw_rad(), about_rad, 2 * np.pi)
    wrong_rad = _nearest(yaw_rad + np.pi - heading_rad, about_rad, 2 * np.pi) - yaw_rad
    rot = downward(yaw_rad + np.clip(wrong_rad, -1, 1))
    if (off_m > 0.004 and not low) or abs(wrong_rad) > 0.06:
        short_m = np.clip(abs(wrong_rad) - 0.2, 0.0, 0.2)  # it turns before it is over the peg
        return _toward(stage, over_m + np.array([-short_m, 0.0, 0.13]), rot, SHUT)
    return _toward(stage, np.array([*over_m[:2], tool.pos_m[2] - 0.03]), rot, SHUT)


EXPERTS: Mapping[str, Callable[[Stage], Any]] = {
    "Lift": lift,
    "Stack": stack,
    "PickPlaceCan": pick_place_can,
    "Door": door,
    "NutAssemblySquare": nut_assembly_square,
}
