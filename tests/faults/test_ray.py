"""Tasks of Ray that die or hang lose only what they were doing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pi0bench.errors import UsageError
from pi0bench.evaluate.jobs import ATTEMPTS
from pi0bench.evaluate.ray_executor import Ray
from tests.faults.jobs import Toy

pytest.importorskip("ray", reason="needs pi0bench[ray]")

WHY = f"infra_error: its process was lost (WorkerCrashedError), {ATTEMPTS} times"


@pytest.fixture(scope="module")
def executor() -> Iterator[Ray]:
    made = Ray(workers=2, answer_s=5.0)
    yield made
    made.close()


def test_a_death_loses_only_the_guilty_item(executor: Ray, tmp_path: Path) -> None:
    jobs = [("ok", "kill", "ok"), ("once",), ("threads",), ("ok", "ok")]
    found = executor.run([Toy(items, tmp_path) for items in jobs])
    assert sorted(found) == ["1", f"kill {WHY}", "ok", "ok", "ok", "ok", "once"]
    assert len(list(tmp_path.glob("kill-*"))) == 1 + ATTEMPTS
    assert len(list(tmp_path.glob("once-*"))) == 2


def test_a_hang_is_ended_at_its_deadline(executor: Ray, tmp_path: Path) -> None:
    assert list(executor.run([Toy(("hang",), tmp_path)])) == [f"hang {WHY}"]


def test_what_a_job_raises_is_raised(executor: Ray, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="reach_cube: its file changed"):
        list(executor.run([Toy(("refuse",), tmp_path)]))


def test_files_are_private() -> None:
    token = Path.home() / ".ray" / "auth_token"
    assert not token.exists() or token.stat().st_mode & 0o077 == 0
    assert os.umask(0o022) == 0o022  # put back


def test_draining_finishes_what_runs_and_begins_nothing(executor: Ray, tmp_path: Path) -> None:
    found = executor.run([Toy(("slow",), tmp_path) for _ in range(12)])
    first = next(found)
    executor.drain()
    rest = list(found)
    assert first == "slow"
    assert len(rest) <= 2
    assert len(list(tmp_path.glob("slow-*"))) == 1 + len(rest)
    assert list(executor.run([Toy(("ok",), tmp_path)])) == []
