"""Folders that cannot be written, or that another run has."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.policy import registry
from pi0bench.records.record import Cell
from pi0bench.records.run_folder import RunFolder
from tests.runs import run

Cells = Callable[..., Cell]

SETTINGS = Settings(("random",), ("reach_cube",), renderer="tiny", episodes=12)
ASKED = "run --policy random --task reach_cube --renderer tiny --episodes 12 --no-video"


def opened(path: Path, cells: list[Cell]) -> RunFolder:
    return RunFolder.open(path, {"settings": {}}, cells)


def test_a_path_below_a_file_is_refused(tmp_path: Path, make_cell: Cells) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/run: .*a part of this path is a file"):
        opened(tmp_path / "file" / "run", [make_cell()])
    with pytest.raises(UsageError, match="a part of this path is a file"):
        opened(tmp_path / "file", [make_cell()])


def test_a_folder_that_cannot_be_written_is_told_before_weights_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Any:
        raise AssertionError(f"loaded {name}")

    monkeypatch.setattr(registry, "load", load)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="choose another --out"):
        run(SETTINGS, tmp_path / "file" / "out", How(), Console(quiet=True))


def test_a_folder_that_cannot_be_written_exits_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "run"
    assert main([*ASKED.split(), "--out", str(out)]) == 2
    assert capsys.readouterr().err.startswith(f"pi0bench: {out}: ")


def test_one_writer_at_a_time(tmp_path: Path, make_cell: Cells) -> None:
    with (
        opened(tmp_path, [make_cell()]),
        pytest.raises(UsageError, match=f"process {os.getpid()} is writing here"),
    ):
        opened(tmp_path, [make_cell()])
    opened(tmp_path, [make_cell()]).close()


HOLD = """
import sys, time
from pi0bench.evaluate.provenance import software
from pi0bench.records.run_folder import RunFolder
with RunFolder.open(sys.argv[1], {"settings": {"seed": 5}, **software()}, []):
    print("held", flush=True)
    time.sleep(600)
"""


def test_of_two_processes_with_one_folder_the_second_is_refused_until_the_first_has_ended(
    tmp_path: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    assert first.stdout is not None
    assert first.stdout.readline() == b"held\n"
    assert main([*ASKED.split(), "--out", str(tmp_path)]) == 2
    assert f"process {first.pid} is writing here" in capsys.readouterr().err
    first.kill()
    first.communicate()
    assert main([*ASKED.split(), "--out", str(tmp_path)]) == 0, "nothing was measured there"
