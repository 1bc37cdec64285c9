"""Whether something has become worse than it was by so many points, or whether n cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition, Episode
from pi0bench.report.comparison import refuse_two_versions
from pi0bench.report.comparison_input import Entry
from pi0bench.report.shared_episodes import outcomes_of, shared_by
from pi0bench.report.statistical_methods import analysis
from pi0bench.report.verdict_sentences import difference
from pi0bench.stats.paired_tests import Paired, paired


class Outcome(StrEnum):
    """What an interval of a difference shows; n may be too small for either."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    OPEN = "not resolved"


@dataclass(frozen=True)
class Regression:
    """One condition beside what it is held against.

    Attributes:
        name: its run and condition.
        reference: those that it is held against.
        result: its rate less the reference's, on the episodes of both.
        points: how much worse, in points of per cent, still counts as not worse.
    """

    name: str
    reference: str
    result: Paired
    points: float

    @property
    def outcome(self) -> Outcome:
        """Worse only if the whole interval is below -points, not worse only if it is above."""
        limit = -self.points / 100
        if self.result.interval.high < limit:
            return Outcome.WORSE
        return Outcome.NOT_WORSE if self.result.interval.low > limit else Outcome.OPEN

    def sentence(self) -> str:
        """Say it."""
        return (
            f"{self.name} less {self.reference}: {self.outcome} by more than {self.points:g} "
            f"points: {difference(self.result)}, n = {self.result.n}."
        )


def regressions(runs: Mapping[str, Entry], points: float) -> list[Regression]:
    """Hold all runs against the first: the same condition there, or the only one that it has.

    Args:
        runs: two or more, by name; `comparison.select` leaves out what is not meant.
        points: of success, from 0 to 100.

    Raises:
        UsageError: there is one run, no condition to hold another against, or no shared episode.
    """
    if not 0 <= points <= 100:
        raise UsageError(f"--fail-if-worse-by: {points:g} points; give 0 to 100")
    if len(runs) < 2:
        raise UsageError("compare: name two runs or more; the others are held against the first")
    refuse_two_versions(runs)
    (first, reference), *others = runs.items()
    there = outcomes_of(reference.records)
    pairs = analysis(any(run.sequential for run in runs.values())).pairs
    found = []
    for run, entry in others:
        for condition, outcomes in outcomes_of(entry.records).items():
            beside = condition if condition in there else _only(there, f"{run} · {condition}")
            shared = shared_by([outcomes, there[beside]])
            if not shared:
                raise UsageError(f"compare: {run} · {condition}: shares no episode with {first}")
            sides = [outcomes[e] for e in shared], [there[beside][e] for e in shared]
            result = paired(*sides, methods=pairs)
            found.append(Regression(f"{run} · {condition}", f"{first} · {beside}", result, points))
    return found


def _only(there: Mapping[Condition, Mapping[Episode, bool]], name: str) -> Condition:
    if len(there) != 1:
        raise UsageError(
            f"compare: {name}: the first run has no such condition to hold it against; choose with "
            "--policy and --steps"
        )
    return next(iter(there))
