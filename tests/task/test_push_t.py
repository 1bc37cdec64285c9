"""Push-T: what its score measures, how it starts, and that its expert brings the T home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import panda
from pi0bench.envs.pose import from_rpy
from pi0bench.envs.scene import Scene
from pi0bench.envs.world_protocol import World
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.task.coverage import coverage, covered
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, make_world
from pi0bench.task.task_files import load, task, task_ids

UNIT_M = 0.03
MARK_M, MARK_YAW = (0.48, 0.0), -np.pi / 4


@pytest.fixture
def world(engine: str) -> Iterator[World]:
    mark = content_models.instance("mark", "tee_mark", from_rpy((*MARK_M, 0.001), (0, 0, MARK_YAW)))
    tee = content_models.instance("tee", "tee", from_rpy((0.7, 0.3, 0.0125), (0, 0, 0)))
    built = make_world(engine, Scene(panda().body, (tee, mark)))
    yield built
    built.close()


def put(world: World, along_m: float, across_m: float, turn_rad: float = 0.0) -> None:
    """Lay the T there, seen from the mark."""
    mark = from_rpy((*MARK_M, 0.0125), (0, 0, MARK_YAW))
    world.set_pose("tee", mark @ from_rpy((along_m, across_m, 0.0), (0, 0, turn_rad)))


def test_a_t_on_its_mark_covers_it_and_a_far_one_does_not(world: World) -> None:
    assert coverage(world, "tee", "mark") == 0.0
    assert not covered(world, "tee", "mark")
    put(world, 0.0, 0.0)
    assert coverage(world, "tee", "mark") == pytest.approx(1.0, abs=1e-6)
    assert covered(world, "tee", "mark")


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_small_shift_uncovers_what_geometry_says(world: World, share: float, sign: int) -> None:
    """Of 7 squares: moved along the bar, 4 of their rows end; moved along the stem, 4 columns."""
    shift = sign * share * UNIT_M
    put(world, shift, 0.0)
    assert coverage(world, "tee", "mark") == pytest.approx(1 - 4 * share / 7, abs=1e-6)
    put(world, 0.0, shift)
    assert coverage(world, "tee", "mark") == pytest.approx(1 - 4 * share / 7, abs=1e-6)


def test_a_t_upside_down_covers_what_geometry_says(world: World) -> None:
    """Turned about the middle of its length, its bar lies across the end of the mark's stem."""
    centre = (4 * 0.5 + 3 * 2.5) / 7  # of mass, below the top of the bar, in units
    put(world, 0.0, (2 * centre - 4) * UNIT_M, np.pi)
    assert coverage(world, "tee", "mark") == pytest.approx(4 / 7, abs=1e-6)


def test_coverage_is_the_same_either_way_and_agrees_with_counted_points(world: World) -> None:
    rng = stream("noise", 0, "push_t")
    points = rng.uniform(-0.1, 0.1, (200_000, 2))
    tee = content_models.model("tee").links[0].geoms
    for _ in range(5):
        x, y, turn = rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05), rng.uniform(-3, 3)
        put(world, x, y, turn)
        c, s = np.cos(turn), np.sin(turn)
        local = (points - [x, y]) @ np.array([[c, -s], [s, c]])
        on_mark, on_tee = (
            np.any([np.all(np.abs(p - g.pose.pos_m[:2]) < g.size_m[:2], 1) for g in tee], 0)
            for p in (points, local)
        )
        counted = np.sum(on_mark & on_tee) / np.sum(on_mark)
        assert coverage(world, "tee", "mark") == pytest.approx(counted, abs=0.01)
        assert coverage(world, "mark", "tee") == pytest.approx(coverage(world, "tee", "mark"))


def test_only_flat_things_can_cover_or_be_covered(tmp_path: Path) -> None:
    text = task("push_t").path.read_text("utf-8").replace('model = "tee"', 'model = "ring"')
    path = tmp_path / "task.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="tee is a ring, which is no block"):
        load(path)


def test_a_t_may_start_on_its_mark_and_starts_everywhere() -> None:
    spec = task("push_t")
    starts = [place(spec, stream("evaluation", 0, spec.id, n)) for n in range(200)]
    tees, marks = zip(*(layout.bodies for layout in starts), strict=True)
    assert {tuple(mark.pose.pos_m) for mark in marks} == {(0.48, 0.0, 0.001)}
    x, y, _ = np.array([tee.pose.pos_m for tee in tees]).T
    assert x.min() < 0.39
    assert x.max() > 0.57
    assert y.min() < -0.14
    assert y.max() > 0.14
    quarters = {int(np.degrees(tee.pose.yaw_rad()) // 90) for tee in tees}
    assert quarters == {-2, -1, 0, 1}
    assert np.min(np.hypot(x - 0.48, y)) < 0.03


def test_only_marks_without_a_footprint_are_stood_on() -> None:
    flat = {item.model for name in task_ids() for item in task(name).objects}
    assert {name for name in flat if content_models.model(name).radius_m == 0} == {"tee_mark"}


def test_the_expert_brings_the_t_home_and_keeps_the_greatest_coverage(engine: str) -> None:
    spec = task("push_t")
    done, best = 0, []
    for seed in range(4):
        env = Tabletop(spec, place(spec, stream("evaluation", 1, spec.id, seed)), engine)
        first, seen = coverage(env.world, "tee", "mark"), 0.0
        while env.steps < env.max_steps and not env.succeeded:
            verdict = env.step(env.expert_action())
            seen = max(seen, coverage(env.world, "tee", "mark"))
            assert verdict.progress == min(1.0, seen / 0.95)
        assert seen > first + 0.2, f"seed {seed}"
        done += env.succeeded
        best.append(seen)
        env.close()
    assert done >= 3
    assert np.mean(best) > 0.9
