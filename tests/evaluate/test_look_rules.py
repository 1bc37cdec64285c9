"""When a robot looks again: plans that agree are followed longer, contradicting ones shorter."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.look_rules import agree, dip, grain
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.policy.policy_protocol import Traits
from pi0bench.task.task_files import task
from tests.evaluate.stamped_episodes import StampedTask, Stamping, cell

STEP_M = 0.03


def ahead(speed: float, length: int = 16) -> np.ndarray:
    actions = np.zeros((length, 7))
    actions[:, 0], actions[:, -1] = speed, 1.0
    return actions


def test_equal_plans_reach_the_longest_and_contradicting_ones_the_shortest() -> None:
    nothing, turns = np.zeros((0, 7)), [0]
    turns.append(agree(ahead(0.5), nothing, turns[-1], 8, STEP_M))
    for _ in range(3):
        turns.append(agree(ahead(0.5), ahead(0.5, 12), turns[-1], 8, STEP_M))
    for _ in range(3):
        turns.append(agree(ahead(0.5), ahead(-0.5, 12), turns[-1], 8, STEP_M))
    assert turns[1:] == [4, 8, 8, 8, 4, 2, 2]


@pytest.mark.parametrize("most", range(1, 41))
def test_numbers_are_multiples_of_the_grain(most: int) -> None:
    turn, rng = grain(most), np.random.default_rng(most)
    for _ in range(60):
        speed = rng.choice([0.5, -0.5])
        turn = agree(ahead(0.5), ahead(speed, int(rng.integers(16))), turn, most, STEP_M)
        assert 1 <= turn <= most
        assert turn % grain(most) == 0
        noisy = rng.normal(size=(16, 7))
        assert 1 <= dip(noisy, noisy, turn, most, STEP_M) <= most
        assert dip(noisy, noisy, turn, most, STEP_M) % grain(most) == 0


def test_plans_a_little_apart_change_nothing() -> None:
    apart = 0.006 / STEP_M / np.arange(1, 9).mean()  # six millimetres on average
    assert agree(ahead(0.5), ahead(0.5 + apart, 12), 4, 8, STEP_M) == 4


def test_a_plan_ends_where_it_slows_or_grips() -> None:
    plan = ahead(1.0)
    assert dip(plan, plan, 0, 8, STEP_M) == 8
    plan[3, 0] = 0.1
    assert dip(plan, plan, 0, 8, STEP_M) == 4
    plan = ahead(1.0)
    plan[6:, -1] = -1.0
    assert dip(plan, plan, 0, 8, STEP_M) == 6
    assert dip(ahead(0.0), ahead(0.0), 0, 8, STEP_M) == 8


def test_the_loop_asks_as_the_rule_says() -> None:
    looks = {}
    for rule in ("fixed", "agree"):
        policy = Stamping()
        one = cell(0, execute=8, look=rule)
        (end,) = run([one], policy, StampedTask(), None, Stopwatch())
        assert end.record.fault == ""
        looks[rule] = sorted(set(policy.looks))
    assert looks["fixed"] == list(range(0, 50, 8))
    assert looks["agree"] == [0, *range(4, 50, 8)], "stamped plans agree"


def test_a_world_that_goes_on_knows_no_rule() -> None:
    asked = Settings(("pi0",), ("reach_cube",), clocks=("async",), delays=(1,), looks=("agree",))
    with pytest.raises(UsageError, match="--look agree: the world must wait"):
        expand(asked, {"pi0": Traits(execute=8, horizon=16)}, [task("reach_cube")])


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(UsageError, match='--look: no rule "agreee"'):
        Settings(("pi0",), ("reach_cube",), looks=("agreee",))
