"""Whether something has become worse than it was by so many points, or whether n cannot tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition
from pi0bench.report.comparison import refuse_two_versions, select
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


def regressions(
    runs: Mapping[str, Entry], points: float, policies: Sequence[str] = ()
) -> list[Regression]:
    """Hold all runs against the first one; of a single run, all policies against the first one.

    A condition is held against the same one there, else against that with as many steps in the same
    world at the same pace, else against the only one.

    Args:
        runs: by name; `comparison.select` leaves out what is not meant.
        points: of success, from 0 to 100.
        policies: of a single run, in order.

    Raises:
        UsageError: there is one of them, nothing to hold a condition against, or no shared episode.
    """
    if not 0 <= points <= 100:
        raise UsageError(f"--fail-if-worse-by: {points:g} points; give 0 to 100")
    refuse_two_versions(runs)
    sides = [(f"{name} · ", outcomes_of(run.records)) for name, run in runs.items()]
    if len(runs) == 1:
        parts = [select(runs, [policy]) for policy in policies]
        sides = [("", outcomes_of(run.records)) for part in parts for run in part.values()]
    if len(sides) < 2:
        raise UsageError(
            "compare: name two runs, or two policies with --policy; all others are held against "
            "the first"
        )
    (first, there), *others = sides
    methods = analysis(any(run.sequential for run in runs.values())).pairs
    found = []
    for run, here in others:
        for condition, outcomes in here.items():
            beside = _beside(there, condition)
            names = f"{run}{condition}", f"{first}{beside}"
            shared = shared_by([outcomes, there[beside]])
            if not shared:
                raise UsageError(f"compare: {names[0]} shares no episode with {names[1]}")
            pair = [outcomes[e] for e in shared], [there[beside][e] for e in shared]
            found.append(Regression(*names, paired(*pair, methods=methods), points))
    return found


def _beside(there: Iterable[Condition], condition: Condition) -> Condition:
    known = list(there)
    like = (condition.steps, condition.world, condition.pace)
    same = [c for c in known if (c.steps, c.world, c.pace) == like]
    chosen = [condition] if condition in known else same or known
    if len(chosen) != 1:
        raise UsageError(
            f"compare: {condition} may be held against {', '.join(map(str, chosen)) or 'nothing'}; "
            "choose with --policy and --steps"
        )
    return chosen[0]
