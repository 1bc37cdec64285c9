"""Start states that depart from the task file: other words, sizes, things that stand about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pi0bench.envs import content_models
from pi0bench.envs.pose import Pose, from_rpy
from pi0bench.envs.scaled_body import scaled
from pi0bench.envs.scene import Body
from pi0bench.task.paraphrases import paraphrases
from pi0bench.task.start_heights import settled
from pi0bench.task.start_states import Layout
from pi0bench.task.task_spec import TaskSpec

_TRIES = 1000
_ROOM_M = 0.035  # between footprints, so that open fingers fit
_X_M, _Y_M = (0.36, 0.64), (-0.24, 0.24)  # what the front camera sees of the table


def reworded(task: TaskSpec, layout: Layout, kind: str, rng: np.random.Generator) -> Layout:
    """The start state, asked for in one of the task's paraphrases of that kind."""
    known = paraphrases([task])[task.id][kind]
    return replace(layout, instruction=known[rng.integers(len(known))].format(**layout.said))


def resized(task: TaskSpec, layout: Layout, factor: float) -> Layout:
    """The start state with all objects larger or smaller, where they stand.

    All by one factor: a ring that is too small for its peg would be another task.
    """
    lift = np.array([1, 1, factor])
    bodies = [
        replace(scaled(body, factor), pose=Pose(body.pose.pos_m * lift, body.pose.rot))
        for body in layout.bodies
    ]
    return replace(layout, bodies=tuple(settled(task, bodies)))


def cluttered(layout: Layout, things: Sequence[str], rng: np.random.Generator) -> Layout:
    """The start state with a thing of each of these models added where there is room.

    A thing for which no room is found in a thousand tries is left out.
    """
    bodies = list(layout.bodies)
    for number, model in enumerate(things, start=1):
        # No task can name it: its name has a dash.
        thing = _placed(f"clutter-{number}", model, bodies, rng)
        if thing is not None:
            bodies.append(thing)
    return replace(layout, bodies=tuple(bodies))


def _placed(name: str, model: str, others: list[Body], rng: np.random.Generator) -> Body | None:
    height_m = content_models.model(model).bottom_m
    for _ in range(_TRIES):
        x, y, yaw = rng.uniform(*_X_M), rng.uniform(*_Y_M), rng.uniform(-np.pi, np.pi)
        thing = content_models.instance(name, model, from_rpy((x, y, height_m), (0, 0, yaw)))
        if not any(_close(thing, other) for other in others):
            return thing
    return None


def _close(a: Body, b: Body) -> bool:
    """True when `a` has no room beside `b`; what is driven needs all of its way, along y."""
    if b.speed_m_s:
        geoms = (geom for link in b.links for geom in link.geoms)
        half_m = max(abs(float(geom.pose.pos_m[0])) + geom.size_m[0] for geom in geoms)
        aside_m = abs(float(a.pose.pos_m[0] - b.pose.pos_m[0]))
        return aside_m < half_m + a.radius_m + _ROOM_M
    apart_m = float(np.linalg.norm((a.pose.pos_m - b.pose.pos_m)[:2]))
    return apart_m < a.radius_m + b.radius_m + _ROOM_M
