"""A run's results for TensorBoard, where that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pi0bench.report.run_report import RunReport

FOLDER = "tensorboard"


def log(folder: Path, report: RunReport) -> None:
    """Write success rates by sampler steps, a scalar a policy and task; nothing without it.

    Args:
        folder: of the run; gets a folder `tensorboard`.
        report: what is told of it.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return
    with SummaryWriter(str(folder / FOLDER)) as writer:
        for row in report.rows:
            if row.rate is not None:
                of = row.condition
                name = "mean" if row.is_mean else row.task
                writer.add_scalar(f"success/{of.policy}/{name}", row.rate, of.steps)
