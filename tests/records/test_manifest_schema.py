"""Run folders that were cut short, garbled, or never were any."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pi0bench.cli import main
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import EPISODES, RunFolder

Cells = Callable[..., Cell]
Records = Callable[..., Record]

MANIFEST = {
    "command": "pi0bench run",
    "settings": {
        "policies": ["pi0"],
        "tasks": ["stack"],
        "engine": "mujoco",
        "renderer": "gl",
        "episodes": 3,
        "seed": 0,
    },
    "versions": {"pi0bench": "1"},
    "machine": {"system": "Linux", "processor": "one"},
}


@pytest.fixture
def run(tmp_path: Path, make_cell: Cells, make_record: Records) -> Path:
    records = [make_record(make_cell(e)) for e in range(3)]
    with RunFolder.open(tmp_path / "run", MANIFEST, [r.cell for r in records]) as folder:
        for record in records:
            folder.append(record)
    return tmp_path / "run"


def refused(command: str, run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    words = {"publish": ["--out", f"{run}-out"], "merge": ["--out", f"{run}-out"]}
    code = main([command, str(run), *words.get(command, [])])
    said = capsys.readouterr().err
    assert code in (2, 3, 4), said
    assert "internal error" not in said
    assert said.count("\n") == 1
    return said


READERS = ("report", "compare", "publish", "merge", "verify", "retime")


def changed(path: str, value: Any) -> Any:
    whole = json.loads(json.dumps(MANIFEST))
    inner = whole
    *way, last = path.split(".")
    for part in way:
        inner = inner[part]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return whole


def test_a_whole_one_is_read(run: Path) -> None:
    assert main(["report", str(run)]) == 0


@pytest.mark.parametrize(
    "broken",
    [
        [],
        3,
        {},
        {"settings": []},
        {"settings": {}},
        *(changed(path, None) for path in ("settings", "versions", "machine", "settings.tasks")),
        *(changed(path, 3.5) for path in ("settings", "versions", "machine.system", "command")),
        changed("settings.episodes", "many"),
        changed("settings.episodes", -1),
        changed("settings.tasks", [["stack"]]),
        {**MANIFEST, "modes": {"pi0": {"stack": 3}}},
        {**MANIFEST, "stopped": 3},
        {**MANIFEST, "weights": [1]},
    ],
    ids=str,
)
def test_a_manifest_of_another_shape_is_no_internal_error(
    broken: Any, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "manifest.json").write_text(json.dumps(broken))
    assert "manifest.json" in refused("report", run, capsys)
    for command in READERS:
        refused(command, run, capsys)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"null"]
)
def test_a_manifest_that_is_no_json_is_no_internal_error(
    text: bytes, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "manifest.json").write_bytes(text)
    assert "manifest.json" in refused("report", run, capsys)


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"key": "x", "cell": 3}',
        b'{"key": "x", "cell": {"policy": ["pi0"]}}',
    ],
)
@pytest.mark.parametrize("name", ["episodes.jsonl", "timings.jsonl", "quality.jsonl"])
def test_a_garbled_line_is_named(
    name: str, line: bytes, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (run / name).open("ab") as file:
        file.write(line + b"\n")
    assert f"{name}:" in refused("report", run, capsys)


def test_a_number_too_large_for_any_computer_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (run / EPISODES).read_text().replace('"steps":10', f'"steps":1{"0" * 4000}')
    (run / EPISODES).write_text(lines)
    assert "cell.steps: a number of 4001 digits" in refused("report", run, capsys)


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_truncated_archive_is_said(
    keep: int, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packed = gzip.compress((run / EPISODES).read_bytes())
    (run / EPISODES).unlink()
    (run / f"{EPISODES}.gz").write_bytes(packed[:keep])
    said = refused("report", run, capsys)
    assert keep == 0 or f"{EPISODES}.gz: broken" in said
    (run / f"{EPISODES}.gz").write_bytes(packed[:20] + b"\0" * 20 + packed[40:])
    assert f"{EPISODES}.gz: broken" in refused("report", run, capsys)
