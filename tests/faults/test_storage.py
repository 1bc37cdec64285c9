"""Full disks, torn files and jumping clocks: nothing finished is lost, nothing is made up."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.errors import StorageError, UsageError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from pi0bench.files import durable
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.records.run_folder import RunFolder
from pi0bench.release.publish import publish
from tests.runs import run

Cells = Callable[..., Cell]
Records = Callable[..., Record]
Timings = Callable[..., Timing]

EPISODES = 12
SETTINGS = Settings(("random",), ("reach_cube",), renderer="tiny", episodes=EPISODES)
ASKED = f"run --policy random --task reach_cube --renderer tiny --episodes {EPISODES} --no-video"


def opened(path: Path, cells: list[Cell]) -> RunFolder:
    return RunFolder.open(path, {"settings": {}}, cells)


def measured(out: Path, episodes: int = EPISODES) -> bytes:
    settings = replace(SETTINGS, episodes=episodes)
    assert run(settings, out, How(video=False), Console(quiet=True)) == 0
    return (out / "episodes.jsonl").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return measured(tmp_path_factory.mktemp("undisturbed"))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_stops_the_run(tmp_path: Path, make_cell: Cells, make_record: Records) -> None:
    with opened(tmp_path, [make_cell()]) as folder:
        folder.path("episodes.jsonl").symlink_to("/dev/full")
        with pytest.raises(StorageError, match=r"episodes\.jsonl: No space left.*free some space"):
            folder.append(make_record())


def test_a_short_write_stops_the_run_and_is_mended(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    cells = [make_cell(i) for i in range(2)]
    with opened(tmp_path, cells) as folder:
        folder.append(make_record(cells[0]))
        size = folder.path("episodes.jsonl").stat().st_size
        with file_size_limit(size + 10), pytest.raises(StorageError, match=r"only 10 of .* bytes"):
            folder.append(make_record(cells[1]))
        assert folder.path("episodes.jsonl").stat().st_size == size + 10
        assert folder.missing(cells) == cells[1:]
        folder.append(make_record(cells[1]))
        assert folder.missing(cells) == []


def test_a_report_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    report = tmp_path / "sub" / "report.md"
    durable.write_atomic(report, b"old")
    with file_size_limit(3), pytest.raises(StorageError, match=r"report\.md"):
        durable.write_atomic(report, b"new and longer")
    assert report.read_bytes() == b"old"
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["report.md"]


def test_a_disk_that_fills_up_ends_the_run_which_continues_when_there_is_room(
    undisturbed: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with file_size_limit(len(undisturbed) * 9 // 10):
        assert main([*ASKED.split(), "--batch", "1", "--workers", "1", "--out", str(out)]) == 4
    assert "bytes were written; free some space" in capsys.readouterr().err
    assert not (out / "table.md").exists()
    kept = RunFolder(out).records()
    assert 0 < len(kept) < EPISODES
    with pytest.raises(UsageError, match="finish the run first"):
        publish([out], tmp_path / "published")
    assert not (tmp_path / "published").exists()
    assert measured(out) == undisturbed


def test_a_full_disk_is_found_before_the_run(tmp_path: Path, make_cell: Cells) -> None:
    with file_size_limit(100), pytest.raises(StorageError, match=str(tmp_path)):
        opened(tmp_path, [make_cell()])
    assert not list(tmp_path.iterdir())


def test_a_torn_tail_is_dropped_and_does_not_spoil_the_next_line(
    tmp_path: Path, make_cell: Cells, make_record: Records, make_timing: Timings
) -> None:
    cells = [make_cell(i) for i in range(3)]
    with opened(tmp_path, cells) as folder:
        folder.append(make_record(cells[0]), make_timing(cells[0]))
        for name in ("episodes.jsonl", "timings.jsonl"):
            with folder.path(name).open("a") as file:
                file.write('{"key":"torn')
        assert len(folder.records()) == len(folder.timings()) == 1
        assert folder.missing(cells) == cells[1:]
        folder.append(make_record(cells[1]), make_timing(cells[1]))
        assert [r.cell for r in folder.records()] == cells[:2]
        assert len(folder.timings()) == 2


@pytest.mark.parametrize("bad", [b"{}", b"\xff\xfe", b"", b"\0\0\0"])
def test_a_bad_line_in_the_middle_is_named(
    bad: bytes, tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    lines = [make_record(make_cell(i)).to_line().encode() for i in range(2)]
    (tmp_path / "episodes.jsonl").write_bytes(b"\n".join([lines[0], bad, lines[1], b""]))
    with pytest.raises(StorageError, match=r"episodes\.jsonl:2: "):
        RunFolder(tmp_path).records()


def test_a_bad_timing_is_named(tmp_path: Path) -> None:
    (tmp_path / "timings.jsonl").write_text("nonsense\n")
    with pytest.raises(StorageError, match=r"timings\.jsonl:1: "):
        RunFolder(tmp_path).timings()


def test_a_kill_before_the_last_step_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    durable.write_atomic(tmp_path / "table.md", b"old")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            durable.write_atomic(tmp_path / "table.md", b"new and half writ")
    assert (tmp_path / "table.md").read_bytes() == b"old"
    durable.write_atomic(tmp_path / "table.md", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"table.md": b"new"}


def test_a_clock_that_jumps_changes_nothing(
    undisturbed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter(range(10**9, 0, -86_400))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    monkeypatch.setattr(time, "time_ns", lambda: next(jumps) * 10**9)
    assert measured(tmp_path, episodes=2) == b"".join(undisturbed.splitlines(True)[:2])
    assert all(0 < timing.wall_s < 600 for timing in RunFolder(tmp_path).timings())
