"""Comparing runs and policies from Python: what `pi0bench compare` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from pi0bench.errors import UsageError, unknown
from pi0bench.evaluate.task_sources import suite as tasks_of
from pi0bench.policy_role import Role
from pi0bench.report.comparison import Comparison, select
from pi0bench.report.comparison import compare as compare_entries
from pi0bench.report.comparison_input import Entry, entry
from pi0bench.report.regression_verdict import Regression
from pi0bench.report.regression_verdict import regressions as held_against_first


@dataclass(frozen=True)
class PairedDifference:
    """The first success rate less the second, on the episodes that both were measured on.

    Attributes:
        first: a condition, in words.
        second: another one.
        n: shared episodes.
        difference: of the rates, in [-1, 1].
        low: the lower bound of its 95 % interval.
        high: the upper bound.
        p: of the test that the rates are equal.
        resolves: the least difference that n such episodes show with 80 % power; None when none.
    """

    first: str
    second: str
    n: int
    difference: float
    low: float
    high: float
    p: float
    resolves: float | None

    def _repr_html_(self) -> str:
        return pd.DataFrame([vars(self)]).to_html(index=False)


def paired_difference(
    of: Entry, first: str, second: str, steps: int | None = None, solver: str | None = None
) -> PairedDifference:
    """Compare two policies of a run (see `pi0bench.api.run_results.Run.compare`)."""
    found = compare_entries(_two(of, (first, second), steps, solver))
    names = [standing.name for standing in found.standings]
    if len(names) != 2:
        told = ", ".join(names)
        raise UsageError(f"compare: {told}: name steps and solver, so that two are left")
    best, other = found.standings
    pair = other.against
    assert pair is not None
    low, high, difference = pair.interval.low, pair.interval.high, pair.difference
    one, two = best.name, other.name
    if best.name != first and not best.name.startswith(f"{first} · "):
        low, high, difference, one, two = -high, -low, -difference, two, one
    resolves = found.resolution.least if found.resolution else None
    return PairedDifference(one, two, found.n, difference, low, high, pair.p, resolves)


def _two(
    of: Entry, policies: Sequence[str], steps: int | None, solver: str | None
) -> dict[str, Entry]:
    chosen = select({"": of}, policies, () if steps is None else (steps,))[""]
    if solver is not None:
        known = sorted({r.cell.solver for r in chosen.records if r.cell.steps})
        if solver not in known:
            raise UsageError(f"compare: {unknown('solver', solver, known)}")
        kept = [r for r in chosen.records if not r.cell.steps or r.cell.solver == solver]
        chosen = replace(chosen, records=kept)
    # Who asks for two policies compares them, whatever their roles in tables are.
    return {"": replace(chosen, roles=dict.fromkeys(policies, Role.COMPETES))}


Runs = Sequence[Path | str] | Path | str
"""Folders of runs, and files of other tools in LeRobot's format, eval_info.json."""


def compare(
    runs: Runs,
    policies: Sequence[str] = (),
    steps: Sequence[int] = (),
    suite: str | None = None,
    tasks: Sequence[str] = (),
) -> Comparison:
    """Compare the conditions of one or several runs on the episodes that all of them share.

    Args:
        runs: One or several.
        policies: Only these; all when empty.
        steps: Only these sampler steps, and policies without a sampler; all when empty.
        suite: Only this suite's tasks.
        tasks: Only these tasks.

    Raises:
        UsageError: there are not two conditions, or they share no episode.
    """
    return compare_entries(_chosen(runs, policies, steps, suite, tasks))


def regressions(
    runs: Runs,
    points: float,
    policies: Sequence[str] = (),
    steps: Sequence[int] = (),
    suite: str | None = None,
    tasks: Sequence[str] = (),
) -> list[Regression]:
    """Is anything shown to be worse by more than some points?

    Args:
        runs: Several, which are held against the first; of a single one, its policies are.
        points: Of success, from 0 to 100.
        policies: See `compare`.
        steps: See `compare`.
        suite: See `compare`.
        tasks: See `compare`.

    Raises:
        UsageError: there is nothing to hold another against.
    """
    return held_against_first(_chosen(runs, policies, steps, suite, tasks), points, policies)


def _chosen(
    runs: Runs,
    policies: Sequence[str],
    steps: Sequence[int],
    suite: str | None,
    tasks: Sequence[str],
) -> dict[str, Entry]:
    paths = [runs] if isinstance(runs, Path | str) else runs
    if suite is not None:
        tasks = (*tasks, *tasks_of(suite))
    return select({str(path): entry(Path(path)) for path in paths}, policies, steps, tasks)
