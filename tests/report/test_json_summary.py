"""JSON: plain values, and beside each rate its n and its interval."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pi0bench.report.comparison import compare
from pi0bench.report.comparison_input import Entry
from pi0bench.report.json_summary import comparison_json, run_json
from pi0bench.stats.success_intervals import clopper_pearson
from tests.report.test_comparison import RECORDS
from tests.report.test_faults import read


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from parts(inner)


def test_a_run_is_told_at_full_precision(tmp_path: Path) -> None:
    report = read(tmp_path, 5)
    found = run_json(report)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["complete"] is True
    flow, pi0 = found["conditions"]
    assert (flow["policy"], flow["steps"], flow["role"]) == ("flow", 10, "competes")
    assert (flow["not_told_from_best"], pi0["not_told_from_best"]) == (True, False)
    interval = clopper_pearson(4, 11)
    assert pi0["total"]["success"] == {
        **{"k": 4, "n": 11, "rate": 4 / 11, "low": interval.low, "high": interval.high}
    }
    assert pi0["total"]["policy_faults"] == 5
    assert pi0["total"]["replan_ms"] == {"p50": None, "p95": None, "n": 0}
    assert found["resolution"]["n"] == 11
    assert found["sentences"][-len(report.footer) :] == report.footer


def test_a_comparison_is_told_with_every_n_and_interval() -> None:
    compared = compare({"run": Entry(RECORDS)})
    found = comparison_json(compared)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    best, second, last = found["conditions"]
    assert (best["name"], best["below_best"]) == ("flow · 10 · euler", None)
    against = compared.standings[1].against
    assert against is not None
    assert second["below_best"]["difference"] == against.difference
    assert second["below_best"]["low"] == against.interval.low
    assert last["not_told_from_best"] is False
    for part in parts(found):
        if {"rate", "difference"} & part.keys() and "test" not in part and "least" not in part:
            assert {"n", "low", "high"} <= part.keys()
