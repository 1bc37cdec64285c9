"""Plans at other rates: where they lead is what the policy said, on the way and at the end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pi0bench.envs.controller import CONTROL_HZ
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.resampled_policy import at_rate, resample, resampled
from pi0bench.policy.policy_protocol import Observation, Plan, Traits
from pi0bench.task.task_files import task

OWN = Traits(horizon=16, execute=8, obs_stride=4, n_obs_steps=2, guidable=True, draws=True)


def plans(rows: int = 3, length: int = 16) -> np.ndarray:
    actions = np.random.default_rng(0).uniform(-1, 1, (rows, length, 7))
    actions[..., -1] = np.where(np.arange(length) < 5, 1.0, -1.0)
    return actions


class Planner:
    """Says the same, at 20 Hz."""

    name, traits = "planner", OWN

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        return Plan(plans(len(observations)), trunk_evaluations=steps)


@pytest.mark.parametrize("hz", CONTROL_HZ)
@pytest.mark.parametrize("coarsen", [1, 2, 4, 8])
def test_a_plan_leads_to_the_same_place(hz: int, coarsen: int) -> None:
    actions = plans()
    new = resampled(actions, 20, hz, coarsen)
    assert new.shape == (3, 16 * hz // 20, 7)
    there = [(said[..., :6] / rate).sum(axis=1) for said, rate in ((actions, 20), (new, hz))]
    np.testing.assert_allclose(*there, atol=1e-12)
    assert set(np.unique(new[..., -1])) == {-1.0, 1.0}


@pytest.mark.parametrize("coarsen", [1, 2, 4, 8, 5])
def test_points_that_are_kept_are_passed(coarsen: int) -> None:
    actions = plans()
    new = resampled(actions, 20, 100, coarsen)
    before = np.cumsum(actions[..., :6] / 20, axis=1)
    after = np.cumsum(new[..., :6] / 100, axis=1)
    kept = np.arange(coarsen, 17, coarsen)
    np.testing.assert_allclose(before[:, kept - 1], after[:, 5 * kept - 1], atol=1e-12)


def test_at_its_own_rate_a_plan_stays_as_it_is() -> None:
    np.testing.assert_allclose(resampled(plans(), 20, 20), plans(), atol=1e-12)
    assert isinstance(resample(Planner(), 20, 1), Planner)
    assert not isinstance(resample(Planner(), 20, 2), Planner)


def test_the_gripper_is_told_at_its_own_moment() -> None:
    grips = resampled(plans(), 20, 50)[0, :, -1]
    assert [float(grips[k]) for k in (0, 12, 13, 39)] == [1.0, 1.0, -1.0, -1.0]


def test_no_speed_is_passed_that_was_not_asked_for() -> None:
    even = np.full((1, 16, 7), 0.4)
    np.testing.assert_allclose(resampled(even, 20, 50, 4), 0.4, atol=1e-12)


def test_traits_count_control_steps() -> None:
    fast = at_rate(OWN, 50, 1)
    assert (fast.horizon, fast.execute, fast.obs_stride, fast.control_hz) == (40, 20, 10, 50)
    assert (fast.guidable, fast.draws, fast.prefix_steps) == (False, False, 0)
    slow = at_rate(OWN, 10, 1)
    assert (slow.horizon, slow.execute, slow.obs_stride) == (8, 4, 2)
    assert at_rate(OWN, 20, 1) is OWN
    expert = Traits(control_hz=0)
    assert (at_rate(expert, 50, 1).execute, at_rate(expert, 50, 1).control_hz) == (1, 50)


def test_what_it_took_is_still_told() -> None:
    nothing = Observation({}, np.zeros(13, np.float32), "")
    plan = resample(Planner(), 50, 1).plan(
        [nothing] * 2, [np.random.default_rng(0)] * 2, 5, "euler"
    )
    assert plan.actions.shape == (2, 40, 7)
    assert plan.trunk_evaluations == 5


def test_cells_of_the_usual_rate_keep_their_names() -> None:
    spec = [task("reach_cube")]
    plain = expand(Settings(("pi0",), ("reach_cube",), episodes=1), {"pi0": OWN}, spec)
    asked = Settings(("pi0",), ("reach_cube",), episodes=1, rates=(20, 50), coarsens=(1, 4))
    cells = expand(asked, {"pi0": OWN}, spec)
    assert cells[:1] == plain
    assert not {"control_hz", "coarsen", "look"} & cells[0].told().keys()
    assert [(c.control_hz, c.coarsen, c.execute) for c in cells] == [
        *((20, 1, 0), (20, 4, 0)),
        *((50, 1, 0), (50, 4, 0)),
    ]


def test_a_rate_that_the_physics_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="--control-hz must be one of 10, 20"):
        Settings(("pi0",), ("reach_cube",), rates=(30,))
