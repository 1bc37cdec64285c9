"""One table for many conditions: a row each, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from pi0bench.report.competing_policies import headings
from pi0bench.report.condition_profile import Profile
from pi0bench.report.markdown_table import ELSEWHERE, FAULTY
from pi0bench.report.number_format import NOTHING, percents, plain, printable, whole
from pi0bench.report.terminal_grid import Column, Line, print_grid

if TYPE_CHECKING:
    from rich.console import Console

WORLD = ("engine", "renderer", "variation")
MAX_TASKS = 5

LEGEND = (
    "evals/re-plan: passes through the trunk's action expert for one chunk of actions. ms/re-plan: "
    f"one robot's, p50. {NOTHING}: does not apply, or was not measured."
)


def print_compact(profiles: Sequence[Profile], console: Console) -> None:
    """Print one table of all conditions, with a column a task where five or fewer tasks fit."""
    from rich.text import Text

    tasks = _tasks(profiles)
    worlds = {p.condition.world for p in profiles}
    parts = [i for i in range(3) if len({world[i] for world in worlds}) > 1]
    faulty = any(p.total.faults for p in profiles)
    columns = [
        *(Column(WORLD[i], "name") for i in parts),
        Column("policy", "name", once=True),
        Column("solver", "name"),
        Column("steps"),
        Column("evals/\nre-plan", goes="evaluations"),
        *(Column(printable(task), goes="tasks") for task in tasks),
        Column("mean" if len(profiles[0].tasks) > 1 else "success"),
        Column("95 % CI"),
        Column("ms/\nre-plan", goes="milliseconds"),
        *([FAULTY] if faulty else []),
    ]
    groups = [(p.condition.world, p.total.role) for p in profiles]
    above = {p.condition: name for p, name in zip(profiles, headings(groups), strict=True)}
    lines: list[Line] = []
    for _, group in groupby(profiles, key=lambda p: (p.condition.world, p.condition.policy)):
        own = list(group)
        if len(own) > 1 and lines:
            lines[-1] = replace(lines[-1], ends=True)
        for p in own:
            cells = [*(p.condition.world[i] for i in parts), *_cells(p, tasks)]
            cells += [str(p.total.faults)] if faulty else []
            ends = len(own) > 1 and p is own[-1]
            lines.append(Line(cells, ends=ends, above=above[p.condition]))
    console.print(Text(printable(_title(profiles))), soft_wrap=True)
    print_grid(columns, lines, console, ELSEWHERE)


def _tasks(profiles: Sequence[Profile]) -> list[str]:
    """The tasks that deserve a column: none beside a single one, which the mean already is."""
    names = sorted({row.task for profile in profiles for row in profile.tasks})
    return names if 1 < len(names) <= MAX_TASKS else []


def _title(profiles: Sequence[Profile]) -> str:
    totals = {p.total.task for p in profiles}
    total = totals.pop() if len(totals) == 1 else "mean over tasks"
    worlds = {p.condition.world for p in profiles}
    counts = sorted({row.n for p in profiles for row in p.tasks})
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    where = f" · {' / '.join(profiles[0].condition.world)}" if len(worlds) == 1 else ""
    return f"Success in %, {total}, {n} episodes a task{where}"


def _cells(profile: Profile, tasks: Sequence[str]) -> list[str]:
    condition, total = profile.condition, profile.total
    rates = {row.task: row.rate for row in profile.tasks}
    return [
        condition.policy,
        condition.solver if condition.steps else NOTHING,
        str(condition.steps or NOTHING),
        plain(total.evaluations, 1),
        *(whole(rates.get(task)) for task in tasks),
        NOTHING if total.rate is None else f"{100 * total.rate:.1f}",
        percents(total.interval) if total.n else NOTHING,
        NOTHING if total.replan_ms is None else f"{total.replan_ms[0]:.1f}",
    ]
