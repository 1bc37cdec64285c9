"""Does a policy follow the words? The colour in an instruction is swapped, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.panda_kinematics import forward
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.policy.policy_protocol import Observation, Policy
from pi0bench.random_streams import stream
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

TASKS = ("press_button", "cube_in_bowl", "stack_two_cubes")
"""Those whose instruction names, by its colour, the thing to go to first."""

_STEPS = 8  # actions of a plan that say where it heads
_BATCH = 8


@dataclass(frozen=True)
class Asked:
    """A start state, one of its things named in the instruction, and what a policy observes.

    Attributes:
        observation: of the start state, its instruction naming the thing.
        named: the thing's number.
        places: of all things of its kind, (N, 2), m, seen from the tool.
        where: what its noise is drawn by.
    """

    observation: Observation
    named: int
    places: NDArray[np.float64]
    where: tuple[str | int, ...]


def ask(task_id: str, episodes: int, renderer: Renderer, side: int) -> list[Asked]:
    """Every thing of the first one's kind named in turn, in development start states."""
    spec, found = task(task_id), []
    for episode in range(episodes):
        layout = place(spec, stream("development", 0, spec.id, episode))
        env = Tabletop(spec, layout, "mujoco")
        snapshot, proprio = env.snapshot(), env.proprio()
        images = env.images(renderer, side)
        env.close()
        names, colours = _alike(layout)
        places = _from_tool(snapshot, names)
        for number, colour in enumerate(colours):
            told = _swapped(layout.instruction, colours[0], colour)
            seen = Observation(images, proprio, told)
            found.append(Asked(seen, number, places, (spec.id, episode, number)))
    return found


def followed(policy: Policy, asked: Sequence[Asked], steps: int, solver: str) -> tuple[int, int]:
    """In how many cases the plan's first actions head for the named thing, and of how many.

    A plan heads for the thing that its summed translation points to, seen from above.
    """
    right = 0
    for start in range(0, len(asked), _BATCH):
        some = asked[start : start + _BATCH]
        noise = [stream("noise", 0, *one.where) for one in some]
        plan = policy.plan([one.observation for one in some], noise, steps, solver)
        for one, actions in zip(some, plan.actions, strict=True):
            away = actions[:_STEPS, :2].sum(axis=0)
            cosines = one.places @ away / np.linalg.norm(one.places, axis=1)
            right += int(cosines.argmax()) == one.named
    return right, len(asked)


def _alike(layout: Layout) -> tuple[list[str], list[str]]:
    """Names and colours of the things like the first one, which comes first."""
    kinds = {body.name: body.keypoints[0].name.split() for body in layout.bodies if body.keypoints}
    first = next(iter(kinds))
    names = [name for name, look in kinds.items() if look[1:] == kinds[first][1:]]
    return names, [kinds[name][0] for name in names]


def _swapped(text: str, one: str, other: str) -> str:
    swap = {one: other, other: one}
    return " ".join(_word(word, swap) for word in text.split(" "))


def _word(word: str, swap: dict[str, str]) -> str:
    bare = word.strip(",.")
    return word.replace(bare, swap[bare]) if bare in swap else word


def _from_tool(snapshot: Snapshot, names: Sequence[str]) -> NDArray[np.float64]:
    tool = forward(snapshot.q_rad).pos_m
    return np.array([snapshot.poses[name].pos_m[:2] - tool[:2] for name in names])
