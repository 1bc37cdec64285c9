"""The expert's skills: what to do now, and when it is done. Each is a function of the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi0bench.envs.pose import Array
from pi0bench.envs.world_protocol import World
from pi0bench.task import predicates
from pi0bench.task.expert import grasping, push_t, pushing


@dataclass(frozen=True)
class Skill:
    """What to do: `act(view, …) -> action (7,)`, until `done(world, …)`.

    What a `lasting` skill has done stays done while the plan goes on; a grip does not.
    """

    act: Callable[..., Array]
    done: Callable[..., bool]
    lasting: bool = False


def _never(world: World, item: str = "", other: str = "") -> bool:
    return False


SKILLS: dict[str, Skill] = {
    "carry_round": Skill(grasping.carry_round, grasping.passed),
    "leave": Skill(grasping.leave, grasping.left),
    "pick": Skill(grasping.pick, predicates.held),
    "press": Skill(pushing.press, _never),
    "pull_open": Skill(pushing.pull_open, predicates.opened, lasting=True),
    "push": Skill(pushing.push, pushing.centred, lasting=True),
    "push_t": Skill(push_t.push_t, predicates.covered, lasting=True),
    "push_shut": Skill(pushing.push_shut, _never),
    "put_in": Skill(grasping.put_in, predicates.inside, lasting=True),
    "put_on": Skill(grasping.put_on, predicates.on, lasting=True),
    "put_round": Skill(grasping.put_round, predicates.around, lasting=True),
    "rise": Skill(pushing.rise, _never),
    "touch": Skill(pushing.touch, _never),
}
ACTS = {name: skill.act for name, skill in SKILLS.items()}
