"""The expert: carries out a task's plan, deciding anew at every step which rule of it acts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pi0bench.envs.pose import Array
from pi0bench.task.call_parser import Call
from pi0bench.task.expert.misjudged_world import Misjudgement, misjudged
from pi0bench.task.expert.motion import View
from pi0bench.task.expert.skill_registry import SKILLS
from pi0bench.task.task_spec import TaskSpec, Way

_COMMITTED_M = 0.13
"""A way is taken once the tool is this near to its thing, and twice as near as to the others'."""

Predicates = Mapping[str, Callable[..., bool]]


def act(
    task: TaskSpec, view: View, predicates: Predicates, misjudgement: Misjudgement | None = None
) -> Array:
    """The expert's action, (7,).

    Args:
        task: whose plan it is.
        view: what the expert acts on.
        predicates: what the plan's conditions may ask.
        misjudgement: how wrong it is about where its skills lead to, if at all.
    """
    way = _way(task, view, predicates)
    call = way.plan[_at(way, view, predicates)].call
    if misjudgement and _leads_there(call, way):
        view = replace(view, world=misjudged(view.world, call.things[-1], misjudgement))
    return call.run(SKILLS, view)


def _leads_there(call: Call, way: Way) -> bool:
    """True for a skill that brings a thing to another; in a plan without one, to a thing."""
    least = 2 if any(len(rule.call.things) > 1 for rule in way.plan) else 1
    return len(call.things) >= least


def _at(way: Way, view: View, predicates: Predicates) -> int:
    """The last rule whose conditions hold; the first one has none."""
    return next(
        number
        for number in reversed(range(len(way.plan)))
        if way.plan[number].holds(predicates, view.world)
    )


def _way(task: TaskSpec, view: View, predicates: Predicates) -> Way:
    """The way that is farthest along; else the one that the tool is at; else as was drawn."""
    if len(task.ways) == 1:
        return task.ways[0]
    at = [_at(way, view, predicates) for way in task.ways]
    ways = [way for way, i in zip(task.ways, at, strict=True) if i == max(at)]
    apart = [_apart_m(way.plan[max(at)].call, view) for way in ways]
    if len(ways) > 1:
        nearest, next_one = sorted(apart)[:2]
        if nearest < min(_COMMITTED_M, next_one / 2):
            return ways[int(np.argmin(apart))]
    return ways[int(view.expert_choice * len(ways))]


def _apart_m(call: Call, view: View) -> float:
    """Horizontal distance from the commanded tool to where the skill leads: its last thing."""
    there = view.world.pose(call.things[-1]).pos_m
    return float(np.linalg.norm((there - view.goal.pos_m)[:2]))
