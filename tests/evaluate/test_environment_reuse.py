"""An environment is reset for its next episode; one that this does not clean does no harm."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from rich.console import Console

from pi0bench.evaluate import verify as verifying
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.executors import Inline
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.verify import verify
from pi0bench.evaluate.worker import Worker
from pi0bench.gym.external_env_task import GymTask
from pi0bench.policy import registry
from pi0bench.records.record import Record
from tests.fake_records import cell
from tests.runs import run

NAME = "Counted-v0"
happened: Counter[str] = Counter()


class Counted(gymnasium.Env[Any, Any]):
    """Three to eight steps, by the seed; `leak` says what a reset leaves behind."""

    observation_space = spaces.Box(-9.0, 9.0, (1,))
    action_space = spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, leak: str = "", **_: Any) -> None:
        self.leak, self.resets = leak, 0
        happened["built"] += 1

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        happened["reset"] += 1
        if self.leak == "refuses" and self.resets:
            raise RuntimeError("already used")
        late = self.resets if self.leak == "length" else 0
        self.left, self.resets = int(self.np_random.integers(3, 9)) + late, self.resets + 1
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> Any:
        self.left -= 1
        if self.leak == "breaks" and self.resets > 1:
            raise RuntimeError("worn out")
        if self.leak == "crumbles" and self.np_random.random() < 0.1:
            raise RuntimeError("bad luck")
        over = self.left <= 0
        return np.zeros(1, np.float32), 0.0, over, False, {"success": over}

    def close(self) -> None:
        happened["closed"] += 1


@pytest.fixture(autouse=True)
def _no_environment_is_left() -> Iterator[None]:
    happened.clear()
    yield
    gymnasium.registry.pop(NAME, None)
    assert happened["built"] == happened["closed"]


def measured(out: Path, leak: str, episodes: int = 20, batch: int = 3) -> tuple[bytes, str]:
    gymnasium.registry.pop(NAME, None)
    gymnasium.register(NAME, Counted, max_episode_steps=50, kwargs={"leak": leak})
    console = Console(file=io.StringIO(), width=100)
    settings = Settings(("zero", "random"), (f"gymnasium/{NAME}",), episodes=episodes)
    run(settings, out, How(batch=batch, video=False), console)
    said = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    return (out / "episodes.jsonl").read_bytes(), said


def lengths(lines: bytes) -> list[int]:
    return [Record.from_line(line).length for line in lines.decode().splitlines()]


def test_one_environment_a_slot_is_reset_and_one_episode_has_a_fresh_one(tmp_path: Path) -> None:
    _, said = measured(tmp_path, "")
    assert happened["built"] == 3 + 1
    assert happened["reset"] == 2 * 20 + 1
    assert "as good as new" not in said


@pytest.mark.parametrize("leak", ["length", "refuses", "breaks"])
@pytest.mark.parametrize("batch", [1, 4])
def test_what_a_reset_leaves_behind_does_no_harm(leak: str, batch: int, tmp_path: Path) -> None:
    clean, _ = measured(tmp_path / "clean", "")
    spoiled, said = measured(tmp_path / "spoiled", leak, batch=batch)
    assert lengths(spoiled) == lengths(clean)
    assert all(Record.from_line(line).final for line in spoiled.decode().splitlines())
    if leak == "refuses":  # a fresh one takes its place at once
        return
    (line,) = [line for line in said.splitlines() if "as good as new" in line]
    assert line.startswith(f"gymnasium/{NAME}: a reset does not make its environment")
    assert f"(episode {batch} of zero, there after a reset, here in a fresh one: " in line
    assert ("status 'env_fault' there, 'success' here" if leak == "breaks" else "length ") in line


def test_what_breaks_is_thrown_away(tmp_path: Path) -> None:
    lines, _ = measured(tmp_path, "crumbles")
    faults = [r for r in map(Record.from_line, lines.decode().splitlines()) if not r.final]
    assert len(faults) > 3
    assert {record.status for record in faults} == {"env_fault"}
    assert happened["built"] > 3 + len(faults) - 3


def test_verify_finds_what_the_run_did_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    """Where nothing was compared with a fresh environment, as if chance had hidden the leak."""
    monkeypatch.setattr(Kept, "clean", lambda self, task: True)
    measured(tmp_path, "length")
    monkeypatch.undo()
    monkeypatch.setattr(verifying, "Local", lambda workers: Inline())
    assert verify(tmp_path, 40, 0, 1, console).exit_code == 3
    said = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert f"zero on gymnasium/{NAME}, episode 5: length " in said


def test_few_environments_wait() -> None:
    gymnasium.register(NAME, Counted, max_episode_steps=50)
    task, kept = GymTask(NAME), Kept(most=2)
    cells = [cell(number, task=task.id) for number in range(4)]
    for of, (episode, _) in [(of, kept.begin(of, task)) for of in cells]:
        kept.end(of, episode, sound=True)
    assert happened["closed"] == 2
    assert [kept.begin(of, task)[1] for of in cells] == [True, True, False, False]
    happened["closed"] = happened["built"]  # those that run have no owner here


def test_a_worker_closes_what_it_keeps() -> None:
    gymnasium.register(NAME, Counted, max_episode_steps=50)
    worker, task = Worker(), GymTask(NAME)
    of = cell(0, task=task.id)
    worker._kept.end(of, worker._kept.begin(of, task)[0], sound=True)
    assert happened["closed"] == 0
    worker.close()


@pytest.mark.parametrize(("attempt", "reset"), [(1, {False, True}), (2, {False})])
def test_what_is_begun_again_has_a_fresh_environment(attempt: int, reset: set[bool]) -> None:
    """Else an environment that crashes when it is used again would do so each time."""
    gymnasium.register(NAME, Counted, max_episode_steps=50)
    settings, task = Settings(("zero",), (f"gymnasium/{NAME}",), episodes=4), GymTask(NAME)
    cells = expand(settings, {"zero": registry.load("zero").traits}, [task])
    worker = Worker()
    ends = worker.measure(Measure(cells, abreast=1, attempt=attempt))
    assert {end.reset for end in ends} == reset
    worker.close()
