"""Published records, to be asked for one condition and compared with another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev

from scipy.stats import t as student

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.condition import Episode, episode, measured
from pi0bench.records.record import NOMINAL, Record, Timing
from pi0bench.report.enough_steps import Verdict, verdicts
from pi0bench.report.verdict_sentences import steps as words
from pi0bench.stats.paired_tests import Paired, paired
from pi0bench.stats.success_intervals import Interval

WORLD = ("mujoco", "gl", NOMINAL)
"""Where the claims are tested: the world that the demonstrations come from."""


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios with its 95 % interval (Student's, of their logarithms)."""

    value: float
    interval: Interval
    n: int


@dataclass(frozen=True)
class Asked:
    """One condition in `WORLD`; 0 steps and the solver "none" without a sampler."""

    policy: str
    steps: int = 0
    solver: str = "none"

    @classmethod
    def named(cls, name: str) -> Asked:
        """From POLICY:STEPS:SOLVER, or POLICY without a sampler."""
        policy, *sampler = name.split(":")
        return cls(policy, int(sampler[0]), sampler[1]) if sampler else cls(policy)

    @property
    def count(self) -> str:
        """Its steps in words."""
        return words(self.steps)


@dataclass(frozen=True)
class Evidence:
    """Everything that was measured.

    Attributes:
        records: of all runs.
        timings: of the same.
        qualities: of the same.
    """

    records: Sequence[Record]
    timings: Sequence[Timing]
    qualities: Sequence[Quality]

    @cached_property
    def _of(self) -> Mapping[Asked, Mapping[Episode, Record]]:
        return {
            Asked(of.policy, of.steps, of.solver): {episode(r.cell): r for r in group}
            for of, group in measured(self.records).items()
            if of.world == WORLD and not of.timing
        }

    @cached_property
    def verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        """By policy and solver, where there are several step counts, on the episodes of all."""
        found = (v for v in verdicts(self.records) if v.world == WORLD and not v.timing)
        return {(v.policy, v.solver): v for v in found}

    def difference(self, first: Asked, second: Asked) -> Paired | None:
        """Success of the first less that of the second, on the episodes of both; None for none."""
        one, other = self._of.get(first, {}), self._of.get(second, {})
        shared = sorted(one.keys() & other.keys())
        if not shared:
            return None
        won, won_too = ([of[e].status == "success" for e in shared] for of in (one, other))
        return paired(won, won_too)

    def jerk(self, first: Asked, second: Asked) -> Ratio | None:
        """Jerk of the first over that of the second, where both succeed; None for few.

        Who fails often stands still, which is smooth.
        """
        of = [
            {e: r for e, r in self._of.get(asked, {}).items() if r.status == "success"}
            for asked in (first, second)
        ]
        one, other = of
        pairs = [(one[e].jerk_m_s3, other[e].jerk_m_s3) for e in sorted(one.keys() & other.keys())]
        return _ratio([(a, b) for a, b in pairs if a and b])

    def bend(self, first: Asked, second: Asked) -> Ratio | None:
        """How far the first's chunks are from their reference over how far the second's are.

        Task by task; None for few. After one step it says how bent the paths are: a straight one
        is followed exactly by a single step.
        """
        one, other = self._distances(first), self._distances(second)
        return _ratio([(one[t], other[t]) for t in sorted(one.keys() & other.keys())])

    def _distances(self, asked: Asked) -> dict[str, float]:
        return {
            q.task: q.rmse
            for q in self.qualities
            if Asked(q.policy, q.steps, q.solver) == asked
            and (q.engine, q.renderer, q.variation) == WORLD
        }

    def replan_ms(self, asked: Asked) -> list[float]:
        """Milliseconds of every timed re-plan."""
        keys = {record.cell.key() for record in self._of.get(asked, {}).values()}
        return [t.replan_ms for t in self.timings if t.key in keys and t.replan_ms is not None]


def _ratio(pairs: Sequence[tuple[float, float]]) -> Ratio | None:
    logs = [math.log(a / b) for a, b in pairs if a > 0 and b > 0]
    if len(logs) < 3:
        return None
    mean, n = fmean(logs), len(logs)
    half = float(student.ppf(0.975, n - 1)) * stdev(logs) / math.sqrt(n)
    return Ratio(math.exp(mean), Interval(math.exp(mean - half), math.exp(mean + half)), n)
