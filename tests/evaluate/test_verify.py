"""What leaks from one episode into another is caught by measuring again."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench import __version__
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.verify import BATCH, changed, draw, jobs, verify
from pi0bench.machine import processor
from pi0bench.policy.baselines import Random
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.variation_files import digest
from tests.runs import run

QUIET = Console(quiet=True)

# Python runs a file of this name at its start, in every process: so that each has the leak.
LEAKS = {
    "policy": """
import numpy as np
from pi0bench.policy import baselines
shared = np.random.default_rng(0)
original = baselines.Random.plan
baselines.Random.plan = lambda self, seen, noise, *how: original(self, seen, [
    shared for _ in noise], *how)
""",
    "world": """
import numpy as np
from pi0bench.task import tabletop_episode as tabletop
shared = np.random.default_rng(0)
original = tabletop.Tabletop.step
def leaking(self, action, turn_rad=None):
    return original(self, action + shared.normal(0, 0.3, 7))
tabletop.Tabletop.step = leaking
""",
}
COMMAND = "from pi0bench.cli import main; import sys; sys.exit(main(sys.argv[1:]))"


def said(folder: Path, checkout: Path, *args: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(checkout)])
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *args],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )


@pytest.mark.parametrize("leak", ["", *LEAKS])
def test_a_leaking_random_state_is_caught(leak: str, tmp_path: Path, checkout: Path) -> None:
    if leak:
        (tmp_path / "sitecustomize.py").write_text(LEAKS[leak])
    out = str(tmp_path / "run")
    asked = "run --policy random expert --task reach_cube --renderer tiny --no-video"
    options = ("--episodes", "4", "--workers", "1", "--out", out)
    measured = said(tmp_path, checkout, *asked.split(), *options)
    assert measured.returncode == 0, measured.stderr
    found = said(tmp_path, checkout, "verify", out, "--episodes", "6", "--workers", "1")
    assert found.returncode == (3 if leak else 0), found.stdout + found.stderr
    lines = found.stdout.splitlines()
    if leak:
        assert all(" on reach_cube, episode " in line for line in lines[:-1])
        assert " there, " in lines[0]
        assert lines[-1].endswith(f"{len(lines) - 1} differ.")
    else:
        assert lines == [
            f"{out}: 6 of 8 episodes, measured again in another order, in batches of at most 3, "
            "by fresh processes and in fresh environments: the same records, to the last digit."
        ]


@pytest.fixture
def records(cells_of: Callable[..., tuple[Cell, ...]]) -> list[Record]:
    cells = cells_of(Random(), episodes=30)
    of = [*cells, *(replace(cell, policy="rare") for cell in cells[:4])]
    return [Record(cell, "failure", 1, None, 0.0, "", 1, 0) for cell in of]


def test_every_policy_is_drawn(records: list[Record]) -> None:
    drawn = draw(records, 12, 0)
    assert Counter(record.cell.policy for record in drawn) == {"random": 8, "rare": 4}
    assert draw(records, 12, 0) == drawn
    assert draw(records, 12, 1) != drawn
    assert len(draw(records, 99, 0)) == len(records)


def test_the_order_is_another_one(records: list[Record]) -> None:
    made = jobs(records, 0)
    cells = [cell for job in made for cell in job.cells]
    assert set(cells) == {record.cell for record in records}
    assert max(len(job.cells) for job in made) == BATCH
    for job in made:
        episodes = [cell.episode for cell in job.cells]
        assert episodes == sorted(episodes, reverse=True)
    assert cells != sorted(cells, key=lambda cell: (cell.policy, -cell.episode))


def test_what_changed_since_is_refused(tmp_path: Path, scripted: Any) -> None:
    settings = Settings(("scripted",), ("reach_cube",), renderer="tiny", episodes=1)
    scripted(lambda seen, *_: None, weights="before")
    assert run(settings, tmp_path, How(video=False), QUIET) == 0
    scripted(lambda seen, *_: None, weights="after")
    with pytest.raises(
        UsageError, match=r'weights\.scripted: "before" there, "after" here'
    ) as found:
        verify(tmp_path, 5, 0, 1, QUIET)
    assert f"pi0bench {__version__} measured it" in str(found.value)
    cell = RunFolder(tmp_path).records()[0].cell
    other = replace(cell, task_hash="old", weights="after", variation="light-2")
    assert changed([other], {"variations": {"light-2": "old"}}) == [
        f'tasks.reach_cube: "old" there, "{cell.task_hash}" here',
        f'variations.light-2: "old" there, "{digest("light-2")}" here',
    ]


def test_what_differs_beside_the_record_is_named(tmp_path: Path, console: Console) -> None:
    settings = Settings(("expert",), ("reach_cube",), renderer="tiny", episodes=1)
    assert run(settings, tmp_path, How(video=False), QUIET) == 0
    path = tmp_path / "manifest.json"
    there = path.read_text().replace(processor.model(), "Another 1 2 3")
    path.write_text(there.replace(f'"mujoco": "{version("mujoco")}"', '"mujoco": "3.8.0"'))
    lines = tmp_path / "episodes.jsonl"
    lines.write_text(re.sub(r'"length": ?\d+', '"length": 1', lines.read_text()))
    assert verify(tmp_path, 1, 0, 1, console).exit_code == 3
    said = console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]
    assert 'Something else measured them: versions.mujoco: "3.8.0" there' in said
    assert 'machine.model: "Another 1 2 3" there' in said
    assert "machine.libc" not in said


def test_nothing_to_verify_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no manifest\.json"):
        verify(tmp_path, 5, 0, 1, QUIET)
    with pytest.raises(UsageError, match="--episodes: 0 is too few"):
        verify(tmp_path, 0, 0, 1, QUIET)
