"""Labelled pictures, drawn by a world's renderers: what eyes learn from.

Half are moments of demonstrations, half are moments that no physics led to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.data import parallel_parts
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.worlds.world import Moment, Task
from pi0bench.envs.cameras import CAMERAS, project
from pi0bench.envs.pose import hand_heading_rad
from pi0bench.envs.proprioception import proprio
from pi0bench.envs.render.choose_renderer import made
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.policy.weights_file import digest
from pi0bench.random_streams import stream

_BLOCK = 500
_RUN = 50  # scenes of one task in a row, since tiny loads other shapes slowly


def label(moment: Moment, looks: Sequence[str], lag_m: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What eyes should say of S looks, and what the robot feels.

    proprio (13,) · present (S,) · pos_m (S, 3) in the base frame · turn (S, 2), cosine and sine
    of the heading relative to the hand times the object's symmetry, zeros for round things ·
    pixel (S, C, 2) in [-1, 1] for C cameras.
    """
    points, turn = np.zeros((len(looks), 3)), np.zeros((len(looks), 2))
    present = np.zeros(len(looks), bool)
    tool = moment.tool()
    hand = hand_heading_rad(tool.rot)
    for mark in moment.keypoints():
        if mark.name in looks:
            at = looks.index(mark.name)
            present[at], points[at] = True, mark.pos_m
            angle = mark.yaw_symmetry * (mark.yaw_rad - hand)
            turn[at] = [np.cos(angle), np.sin(angle)] if mark.yaw_symmetry else [0, 0]
    pixel = np.stack([project(moment.camera(name), points) for name in CAMERAS], axis=1)
    return {
        "proprio": proprio(tool, moment.width_m(), tool.pos_m + lag_m),
        "present": present,
        "pos_m": points.astype(np.float32),
        "turn": turn.astype(np.float32),
        "pixel": pixel.astype(np.float32),
    }


def _example(
    moment: Moment,
    looks: Sequence[str],
    renderer: Renderer | None,
    side: int,
    rng: np.random.Generator,
) -> dict[str, NDArray[Any]]:
    """One drawn scene with its labels; images (C, side, side, 3) uint8."""
    seen = moment.images(renderer, side)
    drawn = np.stack([seen[name] for name in CAMERAS])
    return {"images": drawn, **label(moment, looks, rng.normal(0, 0.006, 3))}


def _block(
    tasks: list[str], source: str, start: int, count: int, side: int, seed: int
) -> parallel_parts.Made:
    lived = Recorded(Path(source))
    world = lived.world
    looks = world.keypoint_heights_m(tasks)
    rows = []
    with made(world.renderers) as renderers:
        for number in range(start, start + count):
            rng = stream("scene", seed, number)
            task = tasks[number // _RUN % len(tasks)]
            if number % 4 < 2:
                moment = world.invent(task, lived.glance, rng)
            else:
                scenery, row = lived.glance(task, rng)
                moment = scenery.moment(row)
            renderer = renderers[number % len(renderers)]
            rows.append(_example(moment, list(looks), renderer, side, rng))
    arrays = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
    cameras = world.calibration()
    return arrays, {"looks": looks, "side": side, "calibration": cameras, "seed": seed}


def collect(
    tasks: Sequence[Task],
    source: Path,
    count: int,
    folder: Path,
    *,
    side: int = 64,
    seed: int = 0,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Draw `count` scenes into part files below `folder`; parts that are there are kept.

    Args:
        tasks: whose things they show.
        source: demonstrations of these tasks (see `pi0bench.data.record_demonstrations`).
        count: of scenes.
        folder: where the parts go.
        side: of a picture, in pixels.
        seed: of the scenes.
        workers: processes.
        progress: called with the number of finished parts and of all parts.
    """
    names = [task.id for task in tasks]
    starts = range(0, count, _BLOCK)
    jobs = [(names, str(source), at, min(_BLOCK, count - at), side, seed) for at in starts]
    settings = {
        "tasks": {task.id: task.hash for task in tasks},
        "cameras": Recorded(source).world.calibration(),
        "demonstrations": digest(source),
    }
    return parallel_parts.make(folder, _block, jobs, settings, workers=workers, progress=progress)
