"""What must not count in tasks of several steps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pi0bench.task.call_parser import parse_rule
from pi0bench.task.tabletop_episode import Tabletop
from tests.worlds import MakeEnv


def carried_out(env: Tabletop, *plan: str) -> Tabletop:
    """The episode, in which the expert has carried out another plan."""
    way = replace(env.task.ways[0], plan=tuple(map(parse_rule, plan)))
    env.task = replace(env.task, ways=(way,))
    while not env.over:
        env.step(env.expert_action())
    return env


@pytest.mark.parametrize(
    ("order", "stages"),
    [(("second", "first", "third"), 1), (("first", "third", "second"), 3)],
)
def test_a_wrong_button_can_never_be_mended(
    make_env: MakeEnv, engine: str, order: tuple[str, str, str], stages: int
) -> None:
    one, two, three = order
    env = carried_out(
        make_env("three_buttons_in_order", engine),
        f"press({one})",
        f"press({two}) if pressed({one})",
        f"press({three}) if pressed({one}) and pressed({two})",
    )
    assert all(env.world.joints(name)[0] < -0.006 for name in order)
    assert not env.succeeded
    assert env.verdict.stages <= stages


def test_an_empty_box_that_was_opened_and_shut_is_no_success(make_env: MakeEnv) -> None:
    env = make_env("cube_in_lid_box", "mujoco")
    while env.world.joints("box")[0] < 1.6:
        env.step(env.expert_action())
    carried_out(env, "lower_lid(box)")
    assert env.world.joints("box")[0] < 0.05
    assert not env.succeeded


def test_one_cube_in_the_drawer_is_not_tidy(make_env: MakeEnv) -> None:
    env = make_env("tidy_two_cubes", "mujoco")
    while not (env.verdict.stages == 3 and env.world.arm().width_m > 0.07):
        env.step(env.expert_action())
    carried_out(env, "rise()", "push_shut(cabinet) if away(first)")
    assert env.world.joints("cabinet")[0] < 0.01
    assert not env.succeeded


def test_the_buttons_order_is_told_by_words_alone(make_env: MakeEnv) -> None:
    """In every order of the colours, wherever the buttons stand."""
    orders = set()
    for seed in range(40):
        said = make_env("three_buttons_in_order", "mujoco", seed).layout.said
        orders.add(tuple(said[name].color for name in ("first", "second", "third")))
    assert len(orders) == 6
