from __future__ import annotations

import json
import zipfile
from itertools import islice, pairwise, product
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pi0bench import random_streams
from pi0bench.data import record_demonstrations as demos
from pi0bench.data import training_files
from pi0bench.data.array_files import read
from pi0bench.data.pushes import pushes
from pi0bench.data.record_demonstrations import Episode, collect, record
from pi0bench.data.training_files import TrainingFiles
from pi0bench.data.worlds.tabletop import TabletopWorld, layout_of
from pi0bench.data.worlds.world import Disturbance
from pi0bench.policy.card_tables import TrainingTable
from pi0bench.random_streams import stream
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task, task_ids


def start_state(layout: Layout) -> tuple[object, ...]:
    return (
        layout.tcp_m,
        layout.yaw_rad,
        layout.expert_choice,
        *(b.pose.pos_m.tobytes() for b in layout.bodies),
    )


def test_every_kind_of_stream_has_a_spawn_key_of_its_own() -> None:
    """The key's first word is the kind, and equal seeds draw differently under different keys."""
    kinds = list(random_streams._STREAMS)
    first_words = {
        kind: stream(kind, 0, "task", 1).bit_generator.seed_seq.spawn_key[0]  # type: ignore[attr-defined]
        for kind in kinds
    }
    assert len(set(first_words.values())) == len(kinds)
    drawn = {
        stream(kind, seed, "task", number).integers(2**63)
        for kind, seed, number in product(kinds, range(4), range(200))
    }
    assert len(drawn) == len(kinds) * 4 * 200


def test_no_demonstration_starts_where_an_evaluation_does() -> None:
    for task_id in task_ids():
        spec = task(task_id)
        evaluations, demonstrations = set(), set()
        for seed, number in product(range(4), range(50)):
            layout = place(spec, stream("evaluation", seed, spec.id, number))
            evaluations.add(start_state(layout))
            demonstrations.add(start_state(layout_of(spec, seed, number)))
        assert len(evaluations) == len(demonstrations) == 200
        assert not evaluations & demonstrations


def executed(
    monkeypatch: pytest.MonkeyPatch, task_id: str, number: int, how: Disturbance
) -> tuple[Episode, np.ndarray]:
    """A demonstration, and the actions that were carried out while it was recorded."""
    done: list[np.ndarray] = []
    step = Tabletop.step

    def watched(env: Tabletop, action: np.ndarray):
        done.append(np.array(action))
        return step(env, action)

    with monkeypatch.context() as patch:
        patch.setattr(Tabletop, "step", watched)
        episode = record(TabletopWorld("mujoco"), task_id, 0, number, how)
    assert episode is not None
    return episode, np.array(done)


def test_clean_actions_are_recorded_while_disturbed_ones_are_executed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    how = Disturbance(share=1.0)
    episode, done = executed(monkeypatch, "stack_two_cubes", 0, how)
    disturbed = episode.arrays["disturbed"]
    clean = episode.arrays["actions"]
    assert 0 < disturbed.sum() < 0.5 * len(disturbed)
    assert np.array_equal(clean[~disturbed], done[~disturbed].astype(np.float32))
    assert (np.abs(clean[disturbed] - done[disturbed]).max(axis=1) > 1e-3).all()
    assert np.abs(done[disturbed]).max() <= 1


def test_what_is_recorded_is_the_experts_answer_to_the_recorded_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    episode, done = executed(monkeypatch, "cube_in_bowl", 1, Disturbance(share=1.0))
    spec = task("cube_in_bowl")
    env = Tabletop(spec, layout_of(spec, 0, 1), "mujoco")
    for number, action in enumerate(done):
        expert = env.expert_action().astype(np.float32)
        assert np.array_equal(episode.arrays["actions"][number], expert)
        assert np.array_equal(episode.arrays["proprio"][number], env.proprio())
        q = env.world.arm().q_rad.astype(np.float32)
        assert np.array_equal(episode.arrays["q_rad"][number], q)
        env.step(action)
    env.close()


def test_an_undisturbed_demonstration_executes_what_it_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    episode, done = executed(monkeypatch, "reach_cube", 0, Disturbance(share=0.0))
    assert not episode.arrays["disturbed"].any()
    assert np.array_equal(episode.arrays["actions"], done.astype(np.float32))


def gather(out: Path, seed: int = 0) -> tuple[dict[str, np.ndarray], dict]:
    tasks = [task("reach_cube"), task("stack_two_cubes")]
    return read(collect(tasks, 3, out, seed=seed, workers=1))


def test_collecting_is_deterministic_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demos, "_BLOCK", 2)
    out = tmp_path / "demos.npz"
    arrays, about = gather(out)
    parts = sorted((tmp_path / "demos.parts").glob("*/*.npz"))
    assert len(parts) == 4
    stamps = {part: part.stat().st_mtime_ns for part in parts}
    parts[2].unlink()  # as if it had been killed before this block was done
    out.unlink()
    again, about_again = gather(out)
    kept = {part for part in parts if part.stat().st_mtime_ns == stamps[part]}
    assert kept == set(parts) - {parts[2]}
    assert about_again == about
    assert again.keys() == arrays.keys()
    for key in arrays:
        assert np.array_equal(arrays[key], again[key]), key

    steps = sum(row["steps"] for row in about["episodes"])
    assert all(len(array) == steps for array in arrays.values())
    assert [(row["task"], row["episode"]) for row in about["episodes"]] == [
        (name, number)
        for numbers in ((0, 1), (2,))
        for name in ("reach_cube", "stack_two_cubes")
        for number in numbers
    ]
    assert not list(tmp_path.rglob("*.partial"))
    with zipfile.ZipFile(out) as file:
        for name in file.namelist():
            assert b"'descr': '|O'" not in file.read(name)[:200], f"{name} holds pickles"
    np.load(out, allow_pickle=False).close()


def test_another_seed_starts_elsewhere() -> None:
    world, how = TabletopWorld("mujoco"), Disturbance()
    one, again, other = (record(world, "reach_cube", seed, 0, how) for seed in (0, 0, 1))
    assert one is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(one.arrays["poses"], again.arrays["poses"])
    assert not np.array_equal(one.arrays["poses"][0], other.arrays["poses"][0])


def test_pushes_are_as_often_small_as_large() -> None:
    """What is left of a carry is centimetres, and of an insertion millimetres."""
    env, how = TabletopWorld("mujoco").begin("reach_cube", 0, 0), Disturbance(share=1.0, grip=0.0)
    given = list(islice(pushes(env, stream("disturbance", 0), how), 9000))
    env.close()
    still = np.zeros(7)
    starts = [b for a, b in pairwise(given) if a is None and b is not None]
    scale = how.push_s * env.speed_m_s
    lengths_m = np.array([np.linalg.norm(change(still)[:3]) * scale for change in starts])
    assert len(lengths_m) > 250
    assert (lengths_m < how.push_m[1] * 1.001).all()
    assert (lengths_m > how.push_m[0] * 0.999).all()
    assert np.median(lengths_m) == pytest.approx(np.sqrt(np.prod(how.push_m)), rel=0.2)


def test_what_another_expert_demonstrated_is_not_taken_for_this_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = TrainingFiles(tmp_path, 1, Console(quiet=True))
    recipe = TrainingTable(("plain",), 1, 1, 1, 1, 0.1, 0.1, 0.9, 0)
    made: list[Path] = []

    def noted(suites: object, count: object, out: Path, *_: object, **how: object) -> Path:
        made.append(out)
        return out

    monkeypatch.setattr(training_files, "demonstrations", noted)
    files._demonstrations(recipe)
    files._demonstrations(recipe)
    monkeypatch.setattr(demos, "expert_digest", lambda: "another")
    files._demonstrations(recipe)
    assert made[0] == made[1] != made[2]
    assert demos.described([], 1, 0, "mujoco", Disturbance()) == json.loads(
        json.dumps(demos.described([], 1, 0, "mujoco", Disturbance()))
    )
