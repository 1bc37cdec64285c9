"""Episodes and success rates as pandas data frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from pi0bench.errors import UsageError
from pi0bench.records.record import Cell, Record, Timing
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.stats.success_intervals import Interval, pooled_mean

_RENAMED = {"length": "length_steps", "clipped": "clipped_numbers", "held": "held_steps"}
_CELL = [field.name for field in dataclasses.fields(Cell)]
_OUTCOME = [field.name for field in dataclasses.fields(Record) if field.name != "cell"]
_TIMING = [field.name for field in dataclasses.fields(Timing) if field.name != "key"]
COLUMNS = [
    *_CELL,
    *("status", "success"),
    *(_RENAMED.get(name, name) for name in _OUTCOME if name != "status"),
    *_TIMING,
    "key",
]
_KINDS = {
    **dict.fromkeys(("success_s", "jerk_m_s3", "jump_m_s"), "float64"),
    **{name: "float64" for name in _TIMING if name.endswith(("_s", "_ms"))},
    "success": "boolean",
    "clipped_numbers": "Int64",
    "attempts": "Int64",
}


def episodes(records: Iterable[Record], timings: Iterable[Timing] = ()) -> pd.DataFrame:
    """Return a row for each episode, with the fields of its cell, its record and its timing.

    Names end in their units: `success_s` and `wall_s` are seconds, `replan_ms` milliseconds,
    `length_steps` control steps, while `steps` are the sampler's. What was not measured or does
    not apply is missing, as is `success` where the policy was not measured (see `status`).

    Args:
        records: of one or several runs.
        timings: of the same; an episode may have none.
    """
    timed = {timing.key: vars(timing) for timing in timings}
    rows = [
        {
            **timed.get(record.cell.key(), {}),
            **{_RENAMED.get(name, name): getattr(record, name) for name in _OUTCOME},
            **vars(record.cell),
            "success": record.status == "success" if record.final else None,
            "key": record.cell.key(),
        }
        for record in records
    ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS)).astype(_KINDS)


def success(frame: pd.DataFrame, by: Sequence[str] | str, kind: Analysis = FIXED) -> pd.DataFrame:
    """Return the success rate of each group of episodes, with its 95 % interval.

    Of episodes of one task, `rate` is k / n and [`low`, `high`] Clopper-Pearson's interval. Where a
    group holds several tasks, `rate` is the mean of the tasks' rates, as in the tables, and the
    interval is that of the pooled episodes (conservative, see `stats.success_intervals.
    pooled_mean`). Episodes of several conditions start from the same states, so that an interval
    over, say, all step counts is too narrow: name in `by` what was varied.

    Args:
        frame: what `episodes` returned, or some rows of it.
        by: columns; none for all episodes together.
        kind: the statistics of the run.

    Returns:
        The columns `by`, then k, n, rate, low, high; rate is missing where n is 0.

    Raises:
        UsageError: there is no such column.
    """
    names = [by] if isinstance(by, str) else list(by)
    for name in (*names, "task", "success"):
        if name not in frame:
            raise UsageError(f'no column "{name}"; known: {", ".join(map(str, frame.columns))}')
    groups = frame.groupby(names, dropna=False) if names else [((), frame)]
    rows = [(*_tuple(group), *_rate(of, kind)) for group, of in groups]
    return pd.DataFrame(rows, columns=pd.Index([*names, "k", "n", "rate", "low", "high"]))


def _tuple(group: Any) -> tuple[Any, ...]:
    return group if isinstance(group, tuple) else (group,)


def _rate(frame: pd.DataFrame, kind: Analysis) -> tuple[int, int, float, float, float]:
    tasks = frame.dropna(subset=["success"]).groupby("task")["success"].agg(["sum", "count"])
    counts = [(int(k), int(n)) for k, n in tasks.to_numpy()]
    k, n = (sum(part) for part in zip(*counts, strict=True)) if counts else (0, 0)
    rate, interval = float("nan"), Interval(0.0, 1.0)
    if n:
        rate, interval = pooled_mean(counts, exact=kind.rate)
    return k, n, rate, interval.low, interval.high
