"""The rows that a reader sees first: one a condition, with the best of each world marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pi0bench.policy_role import Role
from pi0bench.records.condition import Condition
from pi0bench.report.competing_policies import headings, outside, tagged
from pi0bench.report.condition_profile import Profile
from pi0bench.report.number_format import NOTHING, percent, percents, plain
from pi0bench.report.shared_episodes import Best
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.report.success_rows import Row

WORLD = ("engine", "renderer", "variation")
FAULTS = "policy faults"
"""The column that stands beside successes wherever some policy was at fault."""

Bests = Mapping[tuple[str, str, str], Best]

BOLD = (
    "Bold: not distinguishable from the best on the {n} episodes that all {of} conditions share "
    "({test} test of every pair, Holm's correction at 5 %)"
)
OUTSIDE = "; {} stand outside the comparison"


@dataclass(frozen=True)
class Line:
    """A condition in words, and whether it is one of the best.

    Attributes:
        profile: what was measured.
        who: where the conditions differ, of engine, renderer and variation; policy, solver, steps.
        label: the same in as few words as tell the conditions apart, and the role of one that does
            not compete.
        best: it cannot be told from the best.
    """

    profile: Profile
    who: tuple[str, ...]
    label: str
    best: bool

    @property
    def total(self) -> Row:
        """The mean over the tasks; of a single task, its row."""
        return self.profile.total

    @property
    def group(self) -> tuple[tuple[str, str, str], Role]:
        """World and role: what the lines below one heading have in common."""
        return self.profile.condition.world, self.total.role


@dataclass(frozen=True)
class Headline:
    """All conditions of a run.

    Attributes:
        names: of the columns of `Line.who`.
        lines: in the order of the profiles.
        above: for each line the name of the group that begins there, or "".
        tasks: that were measured, by name.
        notes: what bold means, a sentence for each world that has some.
    """

    names: tuple[str, ...]
    lines: tuple[Line, ...]
    above: tuple[str, ...]
    tasks: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def faulty(self) -> bool:
        """True when some condition had a policy's fault."""
        return any(line.total.faults for line in self.lines)

    @property
    def mean(self) -> str:
        """What the rate of a line is."""
        return "mean" if len(self.tasks) > 1 else "success"


def headline(profiles: Sequence[Profile], bests: Bests, kind: Analysis = FIXED) -> Headline:
    """Put the conditions of a run side by side."""
    worlds = sorted({profile.condition.world for profile in profiles})
    parts = [i for i in range(3) if len({world[i] for world in worlds}) > 1]
    solvers: dict[str, set[str]] = {}
    for profile in profiles:
        solvers.setdefault(profile.condition.policy, set()).add(profile.condition.solver)
    lines = []
    for profile in profiles:
        condition = profile.condition
        where = tuple(condition.world[i] for i in parts)
        called, solver, steps = who(condition)
        sampler = [solver] if len(solvers[condition.policy]) > 1 else []
        words = [
            tagged(called, profile.total.role),
            *sampler,
            *([steps] if condition.steps else []),
            *where,
        ]
        marked = condition in bests[condition.world].conditions
        lines.append(Line(profile, (*where, called, solver, steps), " · ".join(words), marked))
    return Headline(
        names=(*(WORLD[i] for i in parts), "policy", "solver", "steps"),
        lines=tuple(lines),
        above=tuple(headings([line.group for line in lines])),
        tasks=tuple(sorted({row.task for profile in profiles for row in profile.tasks})),
        notes=tuple(
            (f"{' / '.join(world)}: " if len(worlds) > 1 else "")
            + BOLD.format(n=bests[world].n, of=bests[world].of, test=kind.test)
            + _outside([line for line in lines if line.profile.condition.world == world])
            + "."
            for world in worlds
            if bests[world].n
        ),
    )


def _outside(lines: Sequence[Line]) -> str:
    named = outside((line.profile.condition.policy, line.total.role) for line in lines)
    return OUTSIDE.format(named) if named else ""


def who(condition: Condition) -> tuple[str, str, str]:
    """Return policy with its timing, solver and steps, dashes for a policy without a sampler."""
    if not condition.steps:
        return condition.called, NOTHING, NOTHING
    return condition.called, condition.solver, str(condition.steps)


def evaluations(line: Line) -> str:
    """Write the trunk evaluations of a re-plan."""
    return plain(line.total.evaluations, 1)


def milliseconds(line: Line) -> str:
    """Write the median latency of a re-plan."""
    return NOTHING if line.total.replan_ms is None else f"{line.total.replan_ms[0]:.1f}"


def rate(row: Row) -> str:
    """Write a success rate with its interval."""
    return f"{percent(row.rate)} {percents(row.interval)}" if row.n else NOTHING


def successes(line: Line, tasks: Sequence[str]) -> list[str]:
    """Write the successes on each of the `tasks`, a dash where it was not measured."""
    of_task = {row.task: f"{row.successes}/{row.n}" for row in line.profile.tasks}
    return [of_task.get(task, NOTHING) for task in tasks]
