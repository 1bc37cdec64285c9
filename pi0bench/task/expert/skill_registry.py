"""The expert's skills: each says what to do now, `skill(view, …) -> action (7,)`.

Each is a function of the present state; when it is done is for the conditions of a plan to say.
"""

from __future__ import annotations

from collections.abc import Callable

from pi0bench.envs.pose import Array
from pi0bench.task.expert import grasping, hinges, inserting, push_t, pushing, tilting, wiping

SKILLS: dict[str, Callable[..., Array]] = {
    "back_off": inserting.back_off,
    "carry_past": grasping.carry_past,
    "insert": inserting.insert,
    "leave": grasping.leave,
    "leave_pin": hinges.leave_pin,
    "lower_lid": hinges.lower_lid,
    "pick": grasping.pick,
    "pour": tilting.pour,
    "press": pushing.press,
    "pull_open": pushing.pull_open,
    "push": pushing.push,
    "push_shut": pushing.push_shut,
    "push_t": push_t.push_t,
    "put_in": grasping.put_in,
    "put_on": grasping.put_on,
    "put_round": grasping.put_round,
    "raise_lid": hinges.raise_lid,
    "rise": pushing.rise,
    "stand_up": tilting.stand_up,
    "touch": pushing.touch,
    "wipe": wiping.wipe,
}
