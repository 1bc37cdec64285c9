"""A run's table for a screen: one of all conditions, or one each, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from pi0bench.report.headline_table import WORLD, Headline, evaluations, milliseconds
from pi0bench.report.headline_table import Line as HeadLine
from pi0bench.report.markdown_table import cells
from pi0bench.report.number_format import NOTHING, percent, percents, printable, whole
from pi0bench.report.over_trainings import Trained
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row
from pi0bench.report.terminal_grid import FAULTY, Column, Line, print_grid
from pi0bench.report.trainings_table import BEHIND, DUE, EACH, NAMES, TITLE
from pi0bench.report.trainings_table import cells as of_trainings

if TYPE_CHECKING:
    from rich.console import Console

GOES = {DUE: "tasks", EACH: "evaluations", BEHIND: "milliseconds"}
"""Which columns over trainings go first where the screen is narrow."""
MAX_TASKS = 5
"""So many tasks fit as columns beside each other."""

ELSEWHERE = "The page and the files of the run have everything."
"""Where those columns are that a terminal has no room for."""


@dataclass(frozen=True)
class Table:
    """A table before anybody has looked how wide the screen is; lines between columns if ruled."""

    title: str
    columns: Sequence[Column]
    lines: Sequence[Line]
    ruled: bool = False


def tables(report: RunReport) -> list[Table]:
    """Return one table of all conditions; of a single one, or if none was measured, its tasks.

    Policies that were trained several times have a table of their own.
    """
    several = len(report.profiles) > 1
    first = [compact(report.headline)] if several else [*condition_tables(report.rows)]
    return first + ([over_trainings(report.trained)] if report.trained else [])


def print_tables(found: Iterable[Table], console: Console) -> None:
    """Print each with its title, with what the terminal has room for."""
    from rich.text import Text

    for table in found:
        title = Text(printable(table.title), style="italic" if table.ruled else "")
        console.print(title, soft_wrap=not table.ruled)
        print_grid(table.columns, table.lines, console, ELSEWHERE, table.ruled)


def condition_tables(rows: Sequence[Row]) -> Iterator[Table]:
    """Yield a table for each condition, with a row a task."""
    columns = [
        Column("task", "name"),
        Column("success"),
        Column("rate", goes="rate"),
        Column("95 % CI"),
        Column("time to\nsuccess", goes="seconds"),
        Column("ms/re-plan\np50 / p95", goes="milliseconds"),
        Column("evals/\nre-plan", goes="evaluations"),
    ]
    for condition, group in groupby(rows, key=lambda r: r.condition):
        of_tasks = list(group)
        steps = f"{condition.steps} step{'' if condition.steps == 1 else 's'}"
        faulty = [FAULTY] if any(r.faults for r in of_tasks) else []
        yield Table(
            f"{condition.called} · {steps} · {condition.solver} · {' / '.join(condition.world)}",
            [*columns, *faulty],
            [_of_task(r, bool(faulty)) for r in of_tasks],
            ruled=True,
        )


def _of_task(r: Row, faulty: bool) -> Line:
    success, _, _, _, latency, evaluated, _ = cells(r)
    seconds = NOTHING if r.success_s is None else f"{r.success_s:.1f} s"
    interval = percents(r.interval) if r.n else NOTHING
    task = r.task.removeprefix(f"{r.condition.world[0]}/")  # the title names the engine
    said = [task, success, percent(r.rate), interval, seconds, latency, evaluated]
    return Line([*said, *([str(r.faults)] if faulty else [])], style="bold" if r.is_mean else "")


def compact(head: Headline) -> Table:
    """Return a row for each condition, with a column a task where five or fewer tasks fit."""
    # A single task needs no column, since the mean already is it.
    tasks = head.tasks if 1 < len(head.tasks) <= MAX_TASKS else ()
    columns = [
        *(Column(name, "name", once=name == "policy") for name in head.names[:-1]),
        Column(head.names[-1]),
        Column("evals/\nre-plan", goes="evaluations"),
        *(Column(printable(task), goes="tasks") for task in tasks),
        Column(head.mean),
        Column("95 % CI"),
        Column("ms/\nre-plan", goes="milliseconds"),
        *([FAULTY] if head.faulty else []),
    ]
    lines: list[Line] = []
    for _, group in groupby(
        zip(head.lines, head.above, strict=True), key=lambda pair: _policy(pair[0])
    ):
        own = list(group)
        if len(own) > 1 and lines:
            lines[-1] = replace(lines[-1], ends=True)
        for number, (line, above) in enumerate(own, 1):
            total = line.total
            rates = {row.task: row.rate for row in line.profile.tasks}
            said = [
                *line.who,
                evaluations(line),
                *(whole(rates.get(task)) for task in tasks),
                NOTHING if total.rate is None else f"{100 * total.rate:.1f}",
                percents(total.interval) if total.n else NOTHING,
                milliseconds(line),
                *([str(total.faults)] if head.faulty else []),
            ]
            lines.append(Line(said, ends=len(own) == number > 1, above=above))
    return Table(_title(head), columns, lines)


def over_trainings(trained: Sequence[Trained]) -> Table:
    """Return a row for each policy that was trained several times."""
    worlds = {of.condition.world for of in trained}
    shown = NAMES if len(worlds) > 1 else NAMES[len(WORLD) :]
    columns = [
        Column(
            name.replace(" below ", " below\n").replace(" to ", " to\n"),
            "name" if name in (*WORLD, "policy", "solver") else "number",
            GOES.get(name, ""),
        )
        for name in shown
    ]
    lines = [Line(of_trainings(of)[-len(shown) :]) for of in trained]
    return Table(TITLE, columns, lines)


def _policy(line: HeadLine) -> tuple[object, ...]:
    return line.total.condition.world, line.total.condition.policy


def _title(head: Headline) -> str:
    totals = {line.total.task for line in head.lines}
    worlds = {line.total.condition.world for line in head.lines}
    total = totals.pop() if len(totals) == 1 else "mean over tasks"
    counts = sorted({row.n for line in head.lines for row in line.profile.tasks})
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    where = f" · {' / '.join(worlds.pop())}" if len(worlds) == 1 else ""
    return f"Success in %, {total}, {n} episodes a task{where}"
