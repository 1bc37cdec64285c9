"""Several writers of one file or folder: all of them succeed, and nothing torn or left remains."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.retime import retime
from pi0bench.evaluate.run_options import How
from pi0bench.files.atomic import replacing
from pi0bench.files.durable import write_atomic
from pi0bench.files.folder_lock import NAME, alone
from pi0bench.records.merge import merge
from pi0bench.records.run_folder import COMPRESSED, EPISODES, TIMINGS, RunFolder
from pi0bench.release.publish import publish
from tests.faults.processes import PLAIN
from tests.faults.writers import ROUNDS, fill
from tests.runs import run

SETTINGS = Settings(("zero", "random"), ("reach_cube",), renderer="tiny", episodes=2)


def at_once(checkout: Path, how: Sequence[str], count: int = 2) -> list[int]:
    """Start Python with these arguments so many times at once; the exit codes."""
    own = {**os.environ, "PYTHONPATH": str(checkout)}
    processes = [
        subprocess.Popen([sys.executable, *how], env=own, stdout=subprocess.DEVNULL)
        for _ in range(count)
    ]
    return [process.wait(120) for process in processes]


def writing(work: str, path: Path) -> tuple[str, ...]:
    return ("-m", "tests.faults.writers", work, str(path))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "measured"
    assert run(SETTINGS, out, How(video=False), Console(quiet=True)) == 0
    return out


@pytest.fixture
def run_folder(measured: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(measured, tmp_path / "run"))


@pytest.fixture
def published(run_folder: Path, tmp_path: Path) -> Path:
    publish([run_folder], tmp_path / "results")
    return tmp_path / "results" / "run"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_two_processes_write_one_file(tmp_path: Path, checkout: Path) -> None:
    path = tmp_path / "table.md"
    assert at_once(checkout, writing("fill", path)) == [0, 0]
    written = path.read_bytes()
    assert len(set(written)) == 1
    assert len(written) % 1000 == 0
    assert names(tmp_path) == {"table.md"}


def test_threads_write_one_file(tmp_path: Path) -> None:
    path = tmp_path / "table.md"
    writers = [Thread(target=fill, args=(path,)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(path.read_bytes()) % 1000 == 0
    assert names(tmp_path) == {"table.md"}


def test_what_a_killed_writer_left_goes_and_what_is_being_written_stays(
    tmp_path: Path, checkout: Path
) -> None:
    path, other = tmp_path / "model.safetensors", tmp_path / "model.safetensors.md"
    assert at_once(checkout, writing("die", path), 1) == [-9]
    [left] = names(tmp_path)
    assert left.startswith("model.safetensors.")
    with replacing(path) as partial, replacing(other):
        assert names(tmp_path) >= {partial.name}
        assert left not in names(tmp_path)
        write_atomic(path, b"another's")
        assert partial.exists()
        partial.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert names(tmp_path) == {path.name, other.name}


def test_others_may_read_what_is_written(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomic(tmp_path / "table.md", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "table.md").stat().st_mode & 0o777 == 0o644


def test_one_at_a_time_is_in_a_folder(tmp_path: Path, checkout: Path) -> None:
    assert at_once(checkout, writing("count", tmp_path), 3) == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "x" * 3 * ROUNDS
    assert names(tmp_path) == {"count"}


def test_who_comes_second_is_refused_or_waits(tmp_path: Path) -> None:
    with alone(tmp_path):
        for patience_s in (0.0, 0.1):
            with pytest.raises(UsageError, match=f"process {os.getpid()} is writing here"):
                alone(tmp_path, patience_s).__enter__()
    (tmp_path / NAME).write_text("left by a killed process")
    with alone(tmp_path):
        pass
    assert names(tmp_path) == set()


def test_two_reports_at_once(run_folder: Path, published: Path, checkout: Path) -> None:
    asked = ["report", str(run_folder), str(published.parent)]
    assert main(asked) == 0
    before = {path: path.read_bytes() for path in run_folder.parent.rglob("*") if path.is_file()}
    assert at_once(checkout, (*PLAIN, *asked[:2])) == [0, 0]
    after = {path: path.read_bytes() for path in run_folder.parent.rglob("*") if path.is_file()}
    assert after == before


def test_reports_wait_for_a_run_only_so_long(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pi0bench.report.regenerate.PATIENCE_S", 0.1)
    with RunFolder.alone(run_folder):
        assert main(["report", str(run_folder)]) == 2
    assert "is writing here; wait for it" in capsys.readouterr().err


def packed(folder: Path) -> None:
    """See that records are there in the published form alone."""
    lines = {name for name in names(folder) if name.startswith((EPISODES, TIMINGS))}
    assert lines == {EPISODES + COMPRESSED, TIMINGS + COMPRESSED}
    assert NAME not in names(folder)


def test_a_published_run_timed_again_stays_published(published: Path) -> None:
    before = RunFolder(published).records()
    retime(published, 1, Console(quiet=True))
    packed(published)
    assert RunFolder(published).records() == before
    assert sum(t.replan_ms is not None for t in RunFolder(published).timings()) == 2


def test_a_published_run_that_grows_stays_published(published: Path) -> None:
    before = RunFolder(published).records()
    more = Settings(SETTINGS.policies, SETTINGS.tasks, renderer="tiny", episodes=3)
    assert run(more, published, How(video=False), Console(quiet=True)) == 0
    packed(published)
    after = RunFolder(published).records()
    assert len(after) == 6
    assert set(before) < set(after)


def test_published_runs_are_merged_and_published_again(
    published: Path, run_folder: Path, tmp_path: Path
) -> None:
    assert merge([run_folder], published).measured == 4
    packed(published)
    assert merge([published], tmp_path / "merged").measured == 4
    assert names(tmp_path / "merged") == {EPISODES, TIMINGS, "manifest.json"}
    publish([published], tmp_path / "results")
    packed(published)
    publish([tmp_path / "merged"], tmp_path)
    packed(tmp_path / "merged")
    assert RunFolder(tmp_path / "merged").records() == RunFolder(run_folder).records()


def test_records_beside_packed_ones_count_too(published: Path, run_folder: Path) -> None:
    lines = (run_folder / EPISODES).read_text().splitlines(keepends=True)
    (published / EPISODES).write_text(lines[0])
    assert RunFolder(published).records() == RunFolder(run_folder).records()
    with RunFolder.alone(published) as folder:
        folder.append(RunFolder(run_folder).records()[1])
        assert not folder.path(EPISODES + COMPRESSED).exists()
        assert len(folder.records()) == 4
        folder.finish()
    packed(published)
