"""The variation that pushes a thing aside once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pi0bench.envs.panda_kinematics import FINGERS
from pi0bench.task.knock import Knock, first_free
from pi0bench.task.task_files import task
from pi0bench.task.varied_episode import VariedTabletop

STILL = np.array([0, 0, 0, 0, 0, 0, 1.0])
Make = Callable[..., VariedTabletop]


@pytest.fixture
def make(engine: str) -> Iterator[Make]:
    made: list[VariedTabletop] = []

    def build(of: str, name: str = "knock-2", number: int = 0) -> VariedTabletop:
        made.append(VariedTabletop(task(of), engine, name, 0, number))
        return made[-1]

    yield build
    for env in made:
        env.close()


def knock_of(env: VariedTabletop) -> Knock:
    assert env.conditions.knock is not None
    return env.conditions.knock


def path(env: VariedTabletop, steps: int) -> np.ndarray:
    """Where the thing is after each step of an arm that stays, (steps + 1, 3)."""
    thing = knock_of(env).thing
    places = [env.world.pose(thing).pos_m]
    for _ in range(steps):
        env.step(STILL)
        places.append(env.world.pose(thing).pos_m)
    return np.array(places)


def test_the_thing_slides_once_at_its_moment_as_the_file_says(make: Make) -> None:
    for number in range(3):
        env = make("cube_in_bowl", number=number)
        knock = knock_of(env)
        assert knock.thing == "target"
        assert 0 <= knock.at_s <= 2.0
        assert 0.7 <= np.linalg.norm(knock.velocity_m_s) <= 0.9
        walked = np.linalg.norm(np.diff(path(env, 60), axis=0), axis=1)
        at = int(np.ceil(knock.at_s * env.control_hz))
        assert walked[:at].max(initial=0) < 1e-4
        assert walked[at] > 0.01
        assert walked[at + 8 :].max() < 1e-3
        assert 0.015 < walked.sum() < 0.06


def test_nothing_happens_to_a_thing_that_a_finger_touches_until_it_is_let_go(make: Make) -> None:
    env = make("cube_in_bowl", "nominal")
    thing = "target"
    while not all(env.world.contact(thing, finger) for finger in FINGERS):
        env.step(env.expert_action())
    env.knocker._knock = Knock(thing, 0.0, np.array([0.8, 0.0, 0.0]))
    env.knocker.to_come = True
    for _ in range(10):
        env.step(np.array([0, 0, 0, 0, 0, 0, -1.0]))
        assert env.knocker.to_come
    for _ in range(10):
        env.step(STILL)
    assert not env.knocker.to_come


def test_a_kept_state_knows_whether_it_has_happened(make: Make) -> None:
    env = make("stack_two_cubes")
    before = env.state()
    first = path(env, 50)
    after = env.state()
    env.set_state(before)
    assert path(env, 50) == pytest.approx(first, abs=1e-9)
    env.set_state(after)
    assert np.ptp(path(env, 30), axis=0) == pytest.approx(0, abs=1e-3)


def test_what_is_fixed_is_not_knocked(make: Make) -> None:
    assert make("press_button").conditions.knock is None
    assert make("open_drawer").conditions.knock is None


def test_it_is_the_first_thing_that_the_plan_moves(make: Make) -> None:
    for number in range(4):
        env = make("any_cube", number=number)
        way = env.task.ways[int(env.layout.expert_choice * len(env.task.ways))]
        assert first_free(env.task, env.layout) == way.plan[0].call.args[0]
