"""The expert: carries out a task's plan, deciding anew at every step where in the plan it is."""

from __future__ import annotations

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.world import World
from pi0bench.tasks.expert.motion import View
from pi0bench.tasks.expert.skills import SKILLS
from pi0bench.tasks.spec import TaskSpec

ACTS = {name: skill.act for name, skill in SKILLS.items()}
_DONE = {name: skill.done for name, skill in SKILLS.items()}


def act(task: TaskSpec, world: World, goal: Pose, coin: float) -> Array:
    """The expert's action, (7,): the last skill of the plan whose predecessor is done.

    Args:
        task: whose plan it is.
        world: the true state.
        goal: the commanded tool pose.
        coin: uniform in [0, 1), drawn once an episode.
    """
    view = View(world, goal, coin)
    for before, call in reversed(list(zip(task.plan, task.plan[1:], strict=False))):
        if before.run(_DONE, world):
            return call.run(ACTS, view)
    return task.plan[0].run(ACTS, view)
