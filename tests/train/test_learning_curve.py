from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pi0bench.train.learning_curve import LearningCurve, curve_of, read_curve


def test_rows_after_a_resume_and_torn_ones_come_again(tmp_path: Path) -> None:
    with closing(LearningCurve(tmp_path, 0)) as curve:
        for step in range(10, 60, 10):
            curve.add(step, 1 / step, 1e-3, step / 10)
    with closing(LearningCurve(tmp_path, 30)) as curve:
        curve.add(40, 0.5, 1e-3, 4.0)
    assert read_curve(tmp_path) == [(10, 0.1), (20, 0.05), (30, 0.0333333), (40, 0.5)]


def test_a_long_curve_is_thinned_to_its_end() -> None:
    curve = curve_of([1.0] * 150 + [0.0] * 3000)
    assert len(curve) <= 200
    assert curve[-1] == (3150, pytest.approx(0, abs=1e-9))
    assert curve[0][1] == 1.0


def test_tensorboard_is_told_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder: str, purge_step: int) -> None:
            told.append((folder, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            told.append((name, value, step))

        def close(self) -> None:
            told.append("closed")

    fake: Any = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    with closing(LearningCurve(tmp_path, 20)) as curve:
        curve.add(30, 0.5, 1e-3, 3.0)
    folder = str(tmp_path / "tensorboard")
    assert told == [(folder, 21), ("loss", 0.5, 30), ("lr", 1e-3, 30), "closed"]


def test_without_tensorboard_there_is_a_file_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with closing(LearningCurve(tmp_path, 0)) as curve:
        curve.add(10, 0.5, 1e-3, 1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["curve.csv"]
