from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from pi0bench.errors import StorageError, UsageError
from pi0bench.files.durable import read_lines
from pi0bench.records import run_folder
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.records.run_folder import RunFolder

SETTINGS = {"policy": ["pi0"], "steps": [1, 10], "env": {"hz": 20}}

Cells = Callable[..., Cell]
Records = Callable[..., Record]
Timings = Callable[..., Timing]


def opened(path: Path, cells: list[Cell], **settings: object) -> RunFolder:
    return RunFolder.open(path, {"settings": {**SETTINGS, **settings}}, cells)


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


def test_equal_duplicates_are_one_record(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    with opened(tmp_path, [make_cell()]) as folder:
        folder.append(make_record())
        folder.append(make_record())
        assert folder.records() == [make_record()]


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
        assert folder.timings() == [replace(make_timing(cell), attempts=2)]
        folder.finish()
        assert folder.timings() == [replace(make_timing(cell), attempts=2)]
        assert folder.path("episodes.jsonl").read_text().count("\n") == 1


def test_another_plan_is_refused_and_the_setting_named(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    with opened(tmp_path, [make_cell()]) as folder:
        folder.append(make_record(make_cell()))
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(UsageError) as error:
        opened(tmp_path, [make_cell(), make_cell(1)], steps=[5], env={"hz": 50})
    assert str(error.value) == (
        f"{tmp_path}: holds another plan (env.hz: 20 there, 50 here; "
        "steps: [1, 10] there, [5] here); ask for all of it and more, or use another --out"
    )
    with pytest.raises(UsageError, match="same settings, but a task file or weights"):
        opened(tmp_path, [make_cell(weights="other")])
    assert (tmp_path / "manifest.json").read_bytes() == before
    opened(tmp_path, [make_cell()]).close()


def test_a_plan_of_which_nothing_was_measured_is_forgotten(
    tmp_path: Path, make_cell: Cells
) -> None:
    opened(tmp_path, [make_cell()]).close()
    opened(tmp_path, [make_cell(weights="other")], steps=[5]).close()
    with RunFolder.alone(tmp_path) as folder:
        assert folder.manifest()["settings"]["steps"] == [5]


def test_episodes_without_a_manifest_are_not_taken_over(
    tmp_path: Path, make_cell: Cells, make_record: Records
) -> None:
    (tmp_path / "episodes.jsonl").write_text(make_record().to_line() + "\n")
    with pytest.raises(UsageError, match="no manifest"):
        opened(tmp_path, [make_cell()])


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


def test_a_file_is_parsed_once(
    tmp_path: Path, make_cell: Cells, make_record: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, parsed = [make_cell(i) for i in range(3)], list[str]()
    with opened(tmp_path, cells) as folder:
        folder.append(make_record(cells[0]), Timing(cells[0].key(), 1.0))

    def counted(path: Path) -> list[bytes]:
        parsed.append(path.name)
        return read_lines(path)

    monkeypatch.setattr(run_folder, "read_lines", counted)
    with opened(tmp_path, cells) as folder:
        for cell in cells[2:0:-1]:
            folder.append(make_record(cell), Timing(cell.key(), 1.0))
            assert len(folder.missing(cells)) == cells.index(cell) - 1
        before = folder.records(), folder.timings()
        folder.finish()
        assert (folder.records(), folder.timings()) != before
        assert [r.cell for r in folder.records()] == cells
    assert sorted(parsed).count("episodes.jsonl") == sorted(parsed).count("timings.jsonl") == 1
    assert RunFolder(tmp_path).records() == folder.records()
