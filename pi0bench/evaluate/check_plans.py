"""Lets the expert carry out a task's plan on a few start states, and says where it gets stuck."""

from __future__ import annotations

from typing import NamedTuple

from pi0bench.envs.world_protocol import PhysicsFault
from pi0bench.errors import UsageError
from pi0bench.evaluate.development_episodes import begun
from pi0bench.task.start_states import PlacementError
from pi0bench.task.task_spec import TaskSpec


class _Left(NamedTuple):
    """Of an episode at its end: whether it succeeded, the stages passed, what the goal lacks."""

    succeeded: bool
    stages: int
    lacking: list[str]


def plan_problems(task: TaskSpec, engine: str, episodes: int) -> list[str]:
    """What is wrong with a task's plan: a line for each place at which the expert gets stuck.

    Args:
        task: whose plan it is.
        engine: in which it is tried.
        episodes: how many development start states are tried.
    """
    stuck: dict[str, int] = {}
    for episode in range(episodes):
        if what := _stuck(task, engine, episode):
            stuck[what] = stuck.get(what, 0) + 1
    return [
        f"{task.id}: {engine}: the expert {what}, in {count} of {episodes} episodes"
        for what, count in stuck.items()
    ]


def _stuck(task: TaskSpec, engine: str, episode: int) -> str:
    """What keeps the expert from the goal in one episode; "" when it gets there."""
    try:
        env = _carried_out(task, engine, episode)
    except (PlacementError, PhysicsFault, UsageError) as error:
        return f"comes to nothing: {error}"
    if env.succeeded:
        return ""
    if task.score:
        return "does not reach the goal"
    missed = task.ways[0].stages[env.stages :]
    if missed:
        return f"does not get as far as {missed[0]} within {task.max_s:g} s"
    short = f"passes every stage, and the goal does not hold for {task.hold_s:g} s"
    if env.lacking:
        return f"{short}; at the end it lacks {', '.join(env.lacking)}"
    return f"{short}: it was reached too late; max_s is {task.max_s:g}"


def _carried_out(task: TaskSpec, engine: str, episode: int) -> _Left:
    """What the expert left."""
    with begun(task, engine, episode) as env:
        while not env.over:
            env.step(env.expert_action())
        return _Left(env.succeeded, env.verdict.stages, env.lacking())
