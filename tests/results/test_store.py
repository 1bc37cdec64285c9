from __future__ import annotations

import os
import random
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pi0bench.errors import StorageError, UsageError
from pi0bench.results.record import Cell, Record, Timing
from pi0bench.results.store import RunFolder

SETTINGS = {"policy": ["pi0"], "steps": [1, 10], "env": {"hz": 20}}

Cells = Callable[..., Cell]
Records = Callable[..., Record]
Timings = Callable[..., Timing]


def opened(path: Path, cells: list[Cell], **settings: object) -> RunFolder:
    return RunFolder.open(path, {"settings": {**SETTINGS, **settings}}, cells)


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_appended_is_read(
    tmp_path: Path, make_cell: Cells, make_record: Records, make_timing: Timings
) -> None:
    cells = [make_cell(i) for i in range(3)]
    with opened(tmp_path / "deep" / "run", cells) as folder:
        for cell in cells:
            folder.append(make_record(cell), make_timing(cell))
    reader = RunFolder(folder.root)
    assert reader.records() == [make_record(cell) for cell in cells]
    assert reader.timings() == [make_timing(cell) for cell in cells]
    assert reader.manifest()["settings"] == SETTINGS
    assert not list(folder.root.glob(".probe*"))


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


def test_equal_duplicates_are_one_record(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    with opened(tmp_path, [make_cell()]) as folder:
        folder.append(make_record())
        folder.append(make_record())
        assert folder.records() == [make_record()]


def test_different_duplicates_are_a_determinism_violation(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    with opened(tmp_path, [make_cell()]) as folder:
        folder.append(make_record())
        folder.append(make_record(length=121))
        with pytest.raises(StorageError, match=r"determinism violation.*length 120 there, 121"):
            folder.records()


def test_missing_is_the_plan_less_what_was_measured(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    statuses = ["success", "failure", "policy_fault", "env_fault", "infra_error", "cancelled"]
    cells = [make_cell(i) for i in range(8)]
    with opened(tmp_path, cells) as folder:
        for cell, status in zip(cells, statuses, strict=False):
            folder.append(make_record(cell, status))
    with opened(tmp_path, list(reversed(cells))) as folder:
        assert folder.missing(cells) == cells[3:]


def test_an_infra_error_is_superseded(
    tmp_path: Path, make_cell: Cells, make_record: Records, make_timing: Timings
) -> None:
    cell = make_cell()
    with opened(tmp_path, [cell]) as folder:
        folder.append(make_record(cell, "infra_error"), Timing(cell.key(), 1.0))
        folder.append(make_record(cell, "cancelled"))
        assert [r.status for r in folder.records()] == ["cancelled"]
        folder.append(make_record(cell, "failure"), make_timing(cell))
        folder.append(make_record(cell, "infra_error"))
        assert [r.status for r in folder.records()] == ["failure"]
        assert folder.timings() == [make_timing(cell)]
        folder.finish()
        assert folder.path("episodes.jsonl").read_text().count("\n") == 1


def test_a_path_below_a_file_is_refused(tmp_path: Path, make_cell: Cells) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file/run: .*a part of this path is a file"):
        opened(tmp_path / "file" / "run", [make_cell()])
    with pytest.raises(UsageError, match="a part of this path is a file"):
        opened(tmp_path / "file", [make_cell()])


def test_a_full_disk_is_found_before_the_run(tmp_path: Path, make_cell: Cells) -> None:
    with file_size_limit(100), pytest.raises(StorageError, match=str(tmp_path)):
        opened(tmp_path, [make_cell()])
    assert not list(tmp_path.iterdir())


def test_another_plan_is_refused_and_the_setting_named(tmp_path: Path, make_cell: Cells) -> None:
    opened(tmp_path, [make_cell()]).close()
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(UsageError) as error:
        opened(tmp_path, [make_cell(), make_cell(1)], steps=[5], env={"hz": 50})
    assert str(error.value) == (
        f"{tmp_path}: holds another plan (env.hz: 20 there, 50 here; "
        "steps: [1, 10] there, [5] here); use another --out"
    )
    with pytest.raises(UsageError, match="same settings, but a task file or weights"):
        opened(tmp_path, [make_cell(weights="other")])
    assert (tmp_path / "manifest.json").read_bytes() == before
    opened(tmp_path, [make_cell()]).close()


def test_episodes_without_a_manifest_are_not_taken_over(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    (tmp_path / "episodes.jsonl").write_text(make_record().to_line() + "\n")
    with pytest.raises(UsageError, match="no manifest"):
        opened(tmp_path, [make_cell()])


def test_one_writer_at_a_time(tmp_path: Path, make_cell: Cells) -> None:
    with (
        opened(tmp_path, [make_cell()]),
        pytest.raises(UsageError, match=f"process {os.getpid()} is writing here"),
    ):
        opened(tmp_path, [make_cell()])
    opened(tmp_path, [make_cell()]).close()


def test_a_reader_cannot_write(tmp_path: Path, make_record: Records) -> None:
    with pytest.raises(StorageError, match="opened to read"):
        RunFolder(tmp_path).append(make_record())
    with pytest.raises(StorageError, match="opened to read"):
        RunFolder(tmp_path).finish()


def test_finished_runs_do_not_depend_on_the_order_of_episodes(
    tmp_path: Path, make_cell: Cells, make_record: Records, make_timing: Timings
) -> None:
    cells = [
        make_cell(e, task=t, steps=s, policy=p)
        for p in ("pi0", "ddim")
        for s in (10, 2)
        for t in ("stack", "pick")
        for e in range(12)
    ]
    texts = set()
    for seed in range(3):
        random.Random(seed).shuffle(cells)
        with opened(tmp_path / str(seed), cells) as folder:
            for cell in cells:
                folder.append(make_record(cell), make_timing(cell))
            folder.append(make_record(cells[0]))
            folder.finish()
            texts.add(tuple(folder.path(f"{n}.jsonl").read_text() for n in ("episodes", "timings")))
            order = [
                (r.cell.task, r.cell.policy, r.cell.steps, r.cell.episode) for r in folder.records()
            ]
            assert order == sorted(order)
            assert [t.key for t in folder.timings()] == [r.cell.key() for r in folder.records()]
        assert not list(folder.root.glob("*.partial"))
    assert len(texts) == 1


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
    folder = RunFolder(tmp_path)
    assert folder.write_text("sub/report.md", "old é").read_text() == "old é"
    with file_size_limit(3), pytest.raises(StorageError, match=r"report\.md"):
        folder.write_text("sub/report.md", "new and longer")
    assert folder.path("sub/report.md").read_text() == "old é"
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["report.md"]
