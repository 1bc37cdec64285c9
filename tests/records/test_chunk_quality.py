from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pi0bench.errors import StorageError
from pi0bench.records.chunk_quality import QUALITY, Quality, read

Make = Callable[..., Quality]


def write(folder: Path, *lines: str) -> None:
    (folder / QUALITY).write_text("".join(f"{line}\n" for line in lines))


def test_a_line_is_read_as_it_was_written(make_quality: Make) -> None:
    quality = make_quality(rmse=0.1 + 0.2, task='a "b" | \n c')
    line = quality.to_line()
    assert "\n" not in line
    assert Quality.from_line(line) == quality
    assert quality.chunks == 320


def test_a_folder_without_the_file_has_none(tmp_path: Path) -> None:
    assert read(tmp_path) == []


def test_of_equal_questions_the_latest_answer_counts(make_quality: Make, tmp_path: Path) -> None:
    old, other, new = make_quality(rmse=0.5), make_quality(steps=2), make_quality(rmse=0.25)
    write(tmp_path, *(q.to_line() for q in (old, other, new)))
    assert sorted(read(tmp_path), key=lambda q: q.steps) == [other, new]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rmse": -1.0}, "rmse: -1.0 is negative"),
        ({"states": 0}, "states: 0 is too few"),
        ({"draws": -3}, "draws: -3 is too few"),
        ({"steps": "5"}, "steps: '5' is not int"),
        ({"steps": True}, "steps: True is not int"),
        ({"policy": None}, "policy: None is not str"),
        ({"extra": 1}, r"unknown \['extra'\]"),
    ],
)
def test_a_bad_line_is_named(
    change: dict[str, object], said: str, make_quality: Make, tmp_path: Path
) -> None:
    good = make_quality().to_line()
    write(tmp_path, good, json.dumps({**json.loads(good), **change}))
    with pytest.raises(StorageError, match=rf"{QUALITY}:2: .*{said}"):
        read(tmp_path)


@pytest.mark.parametrize("line", ["", "{", "[]", "null", "[" * 100_000, '{"rmse": NaN}'])
def test_a_line_that_is_no_quality_is_named(line: str, tmp_path: Path) -> None:
    write(tmp_path, line)
    with pytest.raises(StorageError, match=f"{QUALITY}:1: "):
        read(tmp_path)
