"""Runs and comparisons as plain JSON values at full precision, for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pi0bench.report.comparison import Comparison, Standing
from pi0bench.report.condition_profile import Profile
from pi0bench.report.enough_steps import Against, Verdict
from pi0bench.report.regression_verdict import Regression
from pi0bench.report.run_report import RunReport
from pi0bench.report.statistical_methods import Analysis
from pi0bench.report.success_rows import Row
from pi0bench.stats.paired_tests import Paired
from pi0bench.stats.success_intervals import Interval

Json = dict[str, Any]


def run_json(report: RunReport) -> Json:
    """Return what a run's report says; rates lie in [0, 1], null is what was not measured.

    Each number stands beside its n and, where it is an estimate, its 95 % interval.
    """
    said = report.manifest
    return {
        **{name: said.get(name) for name in ("command", "settings", "versions", "machine")},
        "weights": said.get("weights", {}),
        "complete": report.complete,
        "statistics": _statistics(report.analysis),
        "conditions": [_condition(profile, report) for profile in report.profiles],
        "enough_steps": [_enough(verdict) for verdict in report.verdicts],
        "resolution": report.resolution and asdict(report.resolution),
        "sentences": [*report.headline.notes, *report.sentences, *report.footer],
    }


def comparison_json(found: Comparison) -> Json:
    """Return what a comparison says; differences are the best's rate less the other's."""
    return {
        "n": found.n,
        "tasks": list(found.tasks),
        "statistics": _statistics(found.analysis),
        "conditions": [_standing(standing, found) for standing in found.standings],
        "resolution": found.resolution and asdict(found.resolution),
        "notes": list(found.notes),
    }


def regression_json(one: Regression) -> Json:
    """Return whether one condition is worse than what it is held against."""
    named = {"name": one.name, "reference": one.reference, "points": one.points}
    return {**named, "outcome": str(one.outcome), **_difference(one.result)}


def _statistics(kind: Analysis) -> Json:
    return {"rates": kind.rates, "differences": kind.differences, "test": kind.test, "level": 0.95}


def _condition(profile: Profile, report: RunReport) -> Json:
    best = report.bests[profile.condition.world]
    return {
        **asdict(profile.condition),
        "role": str(profile.total.role),
        "not_told_from_best": profile.condition in best.conditions if best.n else None,
        "total": _row(profile.total),
        "tasks": [_row(row) for row in profile.tasks],
    }


def _row(row: Row) -> Json:
    p50, p95 = row.replan_ms or (None, None)
    credit = row.progress_interval if row.n else None
    return {
        "task": row.task,
        "success": _rate(row.successes, row.n, row.rate, row.interval),
        "partial_credit": {"mean": row.progress, "n": row.n, **_ends(credit)},
        "success_s": {
            "median": row.success_s,
            "n": row.successes,
            **_ends(row.success_s_interval),
        },
        "replan_ms": {"p50": p50, "p95": p95, "n": row.timed},
        "evaluations_per_replan": {"mean": row.evaluations, "n": row.replans},
        "policy_faults": row.faults,
        "missing": row.unmeasured,
        "bounds": _ends(row.bounds),
    }


def _enough(verdict: Verdict) -> Json:
    return {
        "policy": verdict.policy,
        "solver": verdict.solver,
        **dict(zip(("engine", "renderer", "variation"), verdict.world, strict=True)),
        "timing": verdict.timing,
        "n": verdict.n,
        "best_steps": verdict.best,
        "enough_steps": verdict.enough,
        "fewer": [_against(one) for one in verdict.fewer],
        "hurt": [_against(one) for one in verdict.hurt],
    }


def _against(one: Against) -> Json:
    return {"steps": one.steps, "less_steps": one.other, **_difference(one.result)}


def _standing(standing: Standing, found: Comparison) -> Json:
    rate = standing.successes / standing.n
    return {
        "name": standing.name,
        "role": str(standing.role),
        "not_told_from_best": standing.name in found.best,
        "success": _rate(standing.successes, standing.n, rate, standing.interval),
        "below_best": standing.against and _difference(standing.against),
        "p_holm": standing.p,
        "rho": standing.rho,
        "below_best_these_tasks": _ends(standing.these),
        "below_best_other_tasks": _ends(standing.others),
        "policy_faults": standing.faults,
    }


def _difference(result: Paired) -> Json:
    ends = _ends(result.interval)
    alone = {"only_first": result.only_first, "only_second": result.only_second}
    return {"difference": result.difference, "n": result.n, **ends, **alone, "p": result.p}


def _rate(k: int, n: int, rate: float | None, interval: Interval) -> Json:
    return {"k": k, "n": n, "rate": rate, **_ends(interval if n else None)}


def _ends(interval: Interval | None) -> Json:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return {"low": low, "high": high}
