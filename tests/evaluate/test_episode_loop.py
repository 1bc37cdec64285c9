from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render.choose_renderer import make
from pi0bench.evaluate.episode_loop import TIMED_EVERY, run
from pi0bench.evaluate.plan_timing import Stopwatch
from pi0bench.evaluate.rollout import Outcome, Rollout
from pi0bench.policy import registry
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

Play = Callable[..., list[Outcome]]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_expert_reaches_the_goal(engine: str, play: Play) -> None:
    for outcome in play(registry.load("expert"), engine=engine, episodes=2):
        record = outcome.record
        assert (record.status, record.fault, record.progress) == ("success", "", 1.0)
        assert record.success_s is not None
        hold_s = task("reach_cube").hold_s
        assert record.success_s == pytest.approx(record.length / 20 - hold_s + 0.05)
        assert record.replans == record.length > 10  # it executes one action a plan
        assert record.trunk_evaluations == 0
        assert "{" not in record.instruction
        assert outcome.timing.key == record.cell.key()
        timed = record.cell.episode % TIMED_EVERY == 0
        assert (outcome.timing.replan_ms is not None) == timed
        assert outcome.timing.wall_s > 0


@pytest.mark.parametrize("name", ["zero", "random"])
def test_a_policy_that_knows_nothing_runs_to_the_end_and_fails(name: str, play: Play) -> None:
    for outcome in play(registry.load(name), episodes=2):
        record = outcome.record
        assert (record.status, record.success_s, record.fault) == ("failure", None, "")
        assert record.length == 20 * task("reach_cube").max_s
        assert record.replans == record.length / 8


def test_evaluations_add_up(scripted: Callable[..., Any], play: Play) -> None:
    policy = scripted(lambda obs, *_: np.zeros((len(obs), 8, 7)))
    (outcome,) = play(policy, episodes=1, steps=(3,))
    assert outcome.record.trunk_evaluations == 3 * outcome.record.replans == 45


def test_pictures_are_drawn_only_to_plan(
    scripted: Callable[..., Any],
    cells_of: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sides = []

    def look(observations: Any, *_: Any) -> Any:
        sides.extend(image.shape for obs in observations for image in obs.images.values())
        assert observations[0].expert_action is None
        return np.zeros((len(observations), 8, 7))

    drawn = []
    renderer = make("tiny")
    original = renderer.draw
    monkeypatch.setattr(renderer, "draw", lambda *args: drawn.append(1) or original(*args))
    policy = scripted(look, image_side=16)
    cells = cells_of(policy, episodes=1)
    (outcome,) = run(cells, policy, task("reach_cube"), renderer, Stopwatch())
    assert set(sides) == {(16, 16, 3)}
    assert len(drawn) == 2 * outcome.record.replans  # two cameras


@pytest.mark.parametrize("engine", ENGINES)
def test_points_come_to_those_who_want_them_and_keep_their_places(
    engine: str, scripted: Callable[..., Any], play: Play
) -> None:
    clouds: list[Any] = []

    def look(observations: Any, *_: Any) -> Any:
        [seen] = observations
        assert not seen.images
        clouds.append(seen.points)
        return np.full((1, 8, 7), 0.3)

    (outcome,) = play(scripted(look, points=512), engine=engine, episodes=1)
    assert len(clouds) >= outcome.record.replans > 1
    for cloud in clouds:
        assert (cloud.shape, cloud.dtype) == ((512, 6), np.float32)
        assert not cloud.flags.writeable
        assert np.array_equal(cloud[:, 3:], clouds[0][:, 3:])
    assert not np.array_equal(clouds[0][:, :3], clouds[-1][:, :3])


def test_a_record_says_how_many_numbers_were_clipped(
    scripted: Callable[..., Any], play: Play
) -> None:
    (outcome,) = play(scripted(lambda obs, *_: np.full((len(obs), 8, 7), 2.0)), episodes=1)
    assert outcome.record.clipped == 7 * outcome.record.length > 0


def test_no_points_come_to_others(scripted: Callable[..., Any], play: Play) -> None:
    def look(observations: Any, *_: Any) -> Any:
        assert all(seen.points is None for seen in observations)
        return np.zeros((len(observations), 8, 7))

    (outcome,) = play(scripted(look), episodes=1)
    assert outcome.record.fault == ""


def test_start_states_are_the_same_for_all_policies_engines_and_steps(
    cells_of: Callable[..., Any], scripted: Callable[..., Any]
) -> None:
    policy = scripted(lambda *_: None)
    cells = [
        *cells_of(registry.load("expert"), episodes=1),
        *cells_of(policy, episodes=1, steps=(1, 10)),
        *cells_of(policy, episodes=1, engine="pybullet"),
    ]
    seen = set()
    for cell in cells:
        rollout = Rollout(cell, task("reach_cube"))
        assert isinstance(rollout.env, Tabletop)
        layout = rollout.env.layout
        places = [(b.name, *b.pose.pos_m, *b.pose.rot.ravel()) for b in layout.bodies]
        seen.add((tuple(places), layout.tcp_m, layout.yaw_rad, layout.instruction))
        rollout.close()
    assert len(cells) == 4
    assert len(seen) == 1


def test_noise_is_the_same_for_all_step_counts(scripted: Callable[..., Any], play: Play) -> None:
    drawn: dict[int, list[Any]] = {}

    def act(observations: Any, noise: Any, steps: int) -> Any:
        drawn.setdefault(steps, []).append(np.stack([rng.normal(size=(8, 7)) for rng in noise]))
        return np.zeros((len(observations), 8, 7))

    play(scripted(act), episodes=1, steps=(1,))
    play(scripted(act), episodes=1, steps=(10,))
    np.testing.assert_array_equal(drawn[1], drawn[10])
    batches = drawn[1][2:]  # after the warm-up and the timed plan
    np.testing.assert_array_equal(drawn[1][0], batches[0])
    assert len({batch.tobytes() for batch in batches}) == len(batches) == 15


def test_where_an_episode_ends_the_next_begins(
    scripted: Callable[..., Any], cells_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three episodes end at once by the policy's fault; two run at a time, and all are the same."""

    def act(observations: Any, noise: Any, steps: int) -> Any:
        actions = np.stack([rng.uniform(-1, 1, (8, 7)) for rng in noise])
        actions[[obs.proprio[0] < middle for obs in observations]] = np.nan
        return actions

    policy = scripted(act)
    cells = cells_of(policy, episodes=6)
    starts = [
        Rollout(cell, task("reach_cube")).env.observe(None, 0, 0).proprio[0] for cell in cells
    ]
    middle = float(np.median(starts))
    opened: list[int] = []
    made, closed = Tabletop.__init__, Tabletop.close
    monkeypatch.setattr(
        Tabletop, "__init__", lambda *args, **kw: opened.append(1) or made(*args, **kw)
    )
    monkeypatch.setattr(Tabletop, "close", lambda env: opened.append(-1) or closed(env))
    narrow = list(run(cells, policy, task("reach_cube"), None, Stopwatch(), abreast=2))
    assert max(np.cumsum(opened)) == 2
    assert sum(opened) == 0
    wide = list(run(cells, policy, task("reach_cube"), None, Stopwatch(), abreast=6))
    records = {end.record.cell: end.record for end in wide}
    assert {end.record.cell: end.record for end in narrow} == records
    assert [end.record.cell for end in narrow] != list(cells), "each comes when it ends"
    assert set(records) == set(cells)
    assert [end.record.status for end in narrow].count("policy_fault") >= 3
