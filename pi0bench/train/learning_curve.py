"""The loss and held-out numbers by step: a CSV file, and TensorBoard where that is installed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pi0bench.files.atomic import replacing

CURVE, TENSORBOARD = "curve.csv", "tensorboard"
CURVE_EVERY = 10  # steps between two rows; reading a loss makes a GPU wait
AVERAGED = 100  # steps over which the curve's loss is averaged

_COLUMNS = ("step", "loss", "lr", "seconds")
_POINTS = 200

Curve = list[tuple[int, float]]
"""Steps and running mean losses."""

Measured = dict[str, Curve]
"""Numbers besides the loss by name: steps and values."""


class LearningCurve:
    """Rows of step, running mean of the loss, learning rate and seconds, in a training's folder.

    Args:
        folder: gets `curve.csv`, and a folder `tensorboard` where that is installed.
        step: rows up to it are kept: later ones, and one torn by a kill, come again.
        measured: names of numbers that some rows have besides.
    """

    def __init__(self, folder: Path, step: int, measured: Sequence[str] = ()) -> None:
        path, columns = folder / CURVE, (*_COLUMNS, *measured)
        rows = path.read_text().splitlines(keepends=True)[1:] if path.exists() else []
        whole = [r for r in rows if r.endswith("\n") and r.count(",") == len(columns) - 1]
        with replacing(path) as partial:
            partial.write_text(
                "".join([",".join(columns) + "\n", *(r for r in whole if _step(r) <= step)])
            )
        self._measured, self._file = measured, path.open("a")
        self._tensorboard = _tensorboard(folder / TENSORBOARD, step)

    def add(
        self,
        step: int,
        loss: float,
        lr: float,
        seconds: float,
        measured: Mapping[str, float] | None = None,
    ) -> None:
        """Write a row."""
        found = dict(measured or {})
        more = [f"{found[name]:.6g}" if name in found else "" for name in self._measured]
        row = [str(step), f"{loss:.6g}", f"{lr:.6g}", f"{seconds:.1f}", *more]
        self._file.write(",".join(row) + "\n")
        self._file.flush()
        if self._tensorboard is not None:
            for name, value in {"loss": loss, "lr": lr, **found}.items():
                self._tensorboard.add_scalar(name, value, step)

    def close(self) -> None:
        """Close what is written."""
        self._file.close()
        if self._tensorboard is not None:
            self._tensorboard.close()


def _tensorboard(folder: Path, step: int) -> Any:
    """What writes TensorBoard's files, from a step on; None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder), purge_step=step + 1)


def _step(row: str) -> float:
    first = row.split(",")[0]
    return int(first) if first.isdigit() else math.inf


def read_curve(folder: Path) -> Curve:
    """The curve in a training's folder, at most 200 of its rows."""
    with (folder / CURVE).open() as file:
        return _some([(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file)])


def read_measured(folder: Path) -> Measured:
    """What was measured besides in a training's folder: steps and values by name."""
    found: Measured = {}
    with (folder / CURVE).open() as file:
        for row in csv.DictReader(file):
            for name in row.keys() - set(_COLUMNS):
                if row[name]:
                    found.setdefault(name, []).append((int(row["step"]), float(row[name])))
    return dict(sorted(found.items()))


def curve_of(losses: Iterable[float]) -> Curve:
    """The curve of the losses of all steps, (steps,), as many of its rows."""
    mean, rows = 0.0, []
    for step, loss in enumerate(losses, 1):
        mean += (loss - mean) / min(step, AVERAGED)
        rows.append((step, float(f"{mean:.6g}")))
    return _some(rows)


def _some(rows: Curve) -> Curve:
    """Every nth row, the last among them."""
    return rows[:: -math.ceil(len(rows) / _POINTS)][::-1] if rows else []
