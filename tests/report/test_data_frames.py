"""Data frames say what tables say, a number a column."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from pi0bench.errors import UsageError
from pi0bench.records.record import Record, Timing
from pi0bench.report.data_frames import COLUMNS, episodes, success
from pi0bench.report.statistical_methods import SEQUENTIAL
from pi0bench.report.success_table import summarize
from pi0bench.stats.success_intervals import clopper_pearson
from tests.fake_records import cell, record

RECORDS = [
    record(cell(e, task=task, steps=steps), "success" if e < won else "failure", clipped=e or None)
    for steps, rates in ((1, {"lift": 3, "stack": 8}), (10, {"lift": 9, "stack": 9}))
    for task, won in rates.items()
    for e in range(9)
]
TIMINGS = [Timing(r.cell.key(), 1.5, 20.0 + r.cell.episode) for r in RECORDS[:9]]


def lines(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    return frame.to_dict("records")


def test_a_row_each_episode_with_units_in_names() -> None:
    frame = episodes([*RECORDS, record(cell(9), "infra_error")], TIMINGS)
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 37
    first, *_, last = lines(frame)
    assert (first["policy"], first["steps"], first["length_steps"]) == ("pi0", 1, 120)
    assert (first["success"], first["success_s"], first["replan_ms"]) == (True, 4.5, 20.0)
    assert last["success"] is None
    assert math.isnan(last["wall_s"])
    assert frame["success"].dropna().tolist() == [r.status == "success" for r in RECORDS]
    assert set(map(str, frame.dtypes[["seed", "episode", "steps", "replans"]])) == {"int64"}
    assert sum(frame["clipped_numbers"].dropna().tolist()) == 4 * 36


def test_no_episodes_have_the_same_columns() -> None:
    assert list(episodes([]).columns) == COLUMNS
    assert len(success(episodes([]), ["policy"])) == 0
    assert lines(success(episodes([]), []))[0]["n"] == 0


def test_rates_are_those_of_the_table() -> None:
    frame = episodes(RECORDS)
    assert lines(success(frame, ["steps", "task"]))[0] == {
        **{"steps": 1, "task": "lift", "k": 3, "n": 9, "rate": 3 / 9},
        **{"low": clopper_pearson(3, 9).low, "high": clopper_pearson(3, 9).high},
    }
    means = {r.condition.steps: r for r in summarize(RECORDS, []) if r.is_mean}
    for line in lines(success(frame, "steps")):
        mean = means[line["steps"]]
        assert (line["k"], line["n"], line["rate"]) == (mean.successes, mean.n, mean.rate)
        assert (line["low"], line["high"]) == (mean.interval.low, mean.interval.high)


def test_a_run_that_was_to_stop_early_has_its_own_intervals() -> None:
    frame = episodes(RECORDS)
    fixed, sequential = success(frame, "task"), success(frame, "task", SEQUENTIAL)
    assert all(a < b for a, b in zip(sequential["low"], fixed["low"], strict=True))


def test_what_measured_nothing_has_no_rate() -> None:
    found: list[Record] = [record(cell(), "env_fault"), record(cell(policy="bc"))]
    bc, pi0 = lines(success(episodes(found), ["policy"]))
    assert (bc["k"], bc["n"], bc["rate"]) == (1, 1, 1.0)
    assert (pi0["n"], pi0["low"], pi0["high"]) == (0, 0.0, 1.0)
    assert math.isnan(pi0["rate"])


def test_an_unknown_column_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match='no column "polcy"; known: policy, weights, task, '):
        success(episodes(RECORDS), ["polcy"])
