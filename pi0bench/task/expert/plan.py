"""The expert: carries out a task's plan, deciding anew at every step where in the plan it is."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.world_protocol import World
from pi0bench.task.call_parser import Call
from pi0bench.task.expert.motion import View
from pi0bench.task.expert.skill_registry import ACTS, SKILLS
from pi0bench.task.task_spec import TaskSpec, Way

_DONE = {name: skill.done for name, skill in SKILLS.items()}
_LASTING = {name for name, skill in SKILLS.items() if skill.lasting}
_COMMITTED_M = 0.06


def act(task: TaskSpec, world: World, goal: Pose, expert_choice: float) -> Array:
    """The expert's action, (7,).

    Args:
        task: whose plan it is.
        world: the true state.
        goal: the commanded tool pose.
        expert_choice: uniform in [0, 1), drawn once an episode.
    """
    way = _way(task, world, goal, expert_choice)
    return way.plan[_at(way, world)].run(ACTS, View(world, goal, expert_choice))


def _at(way: Way, world: World) -> int:
    """Where in the plan it is.

    At the last skill whose predecessor is done, unless something that should last by then, such
    as a cube in its bowl, is undone.
    """
    done = [call.run(_DONE, world) for call in way.plan]
    lasting = [ok for ok, call in zip(done, way.plan, strict=True) if call.name in _LASTING]
    best, kept = 0, 0
    for i, call in enumerate(way.plan[:-1]):
        kept += call.name in _LASTING
        if done[i] and all(lasting[:kept]):
            best = i + 1
    return best


def _way(task: TaskSpec, world: World, goal: Pose, expert_choice: float) -> Way:
    """The way that is farthest along; else the one that the tool is at; else as was drawn."""
    if len(task.ways) == 1:
        return task.ways[0]
    at = [_at(way, world) for way in task.ways]
    ways = [way for way, i in zip(task.ways, at, strict=True) if i == max(at)]
    apart = [_apart_m(way.plan[max(at)], world, goal) for way in ways]
    if len(ways) > 1 and min(apart) < _COMMITTED_M:
        return ways[int(np.argmin(apart))]
    return ways[int(expert_choice * len(ways))]


def _apart_m(call: Call, world: World, goal: Pose) -> float:
    """Horizontal distance from the commanded tool to what the skill handles."""
    return float(np.linalg.norm((world.pose(str(call.args[0])).pos_m - goal.pos_m)[:2]))
