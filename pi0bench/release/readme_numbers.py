"""What a text may quote from published records, each as Markdown."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pi0bench.errors import UsageError
from pi0bench.records.condition import Condition
from pi0bench.release.publisher_notes import table, trials
from pi0bench.release.quoted_run import Run, Source
from pi0bench.report.competing_policies import headings
from pi0bench.report.headline_table import milliseconds, who
from pi0bench.report.number_format import (
    Marked,
    bold,
    code,
    in_markdown,
    markdown_table,
    percent,
    percents,
)
from pi0bench.report.shared_episodes import outcomes_of
from pi0bench.report.success_rows import Row
from pi0bench.report.terminal_table import condition_tables, print_tables
from pi0bench.stats.paired_tests import paired

_WIDTH = 200
"""Wide enough for any table, which takes as much as it needs."""
_TASKS = "tasks="


def _printed(source: Source, folder: str, words: Sequence[str]) -> str:
    """What `pi0bench run` prints of one condition, as a block of code."""
    from rich.console import Console

    run = source.run(folder)
    asked = [run.condition(word) for word in words] or [row.condition for row in run.totals]
    out = io.StringIO()
    console = Console(file=out, width=_WIDTH, force_terminal=False, color_system=None)
    rows = [row for row in run.report.rows if row.condition in asked]
    print_tables(condition_tables(rows), console)
    return "\n".join(f"    {line}".rstrip() for line in out.getvalue().splitlines())


def _policies(source: Source, folder: str, words: Sequence[str]) -> str:
    """A row for each condition, the best bold, and what that rests on."""
    _none(words)
    run = source.run(folder)
    names = ["policy", "sampler", "steps", "ms/re-plan p50", f"success, {run.totals[0].task}"]
    cells = [
        [*_who(line.total.condition), milliseconds(line), _bold(_rate(line.total), line.best)]
        for line in run.report.headline.lines
    ]
    table = markdown_table(names, cells, words=2, above=run.report.headline.above)
    told = run.report.resolution
    notes = [*run.report.headline.notes, *([told.sentence()] if told else [])]
    return "\n\n".join([table, " ".join(notes)])


def _steps(source: Source, folder: str, words: Sequence[str]) -> str:
    """A row for each condition, or for those named, and a column for each group of tasks."""
    run = source.run(folder)
    parts = [word.partition("=") for word in words]
    groups = {name: tasks.split("+") for name, _, tasks in parts if tasks}
    if not groups:
        raise UsageError("name a group of tasks, such as precise=ring_on_tight_peg+cube_on_pillar")
    asked = [run.condition(word) for word in words if "=" not in word]
    asked = asked or [row.condition for row in run.totals]
    lines = [[run.over(condition, tasks) for tasks in groups.values()] for condition in asked]
    heads = [
        Marked(f"{code(name)}: {in_markdown(', '.join(tasks))}") for name, tasks in groups.items()
    ]
    return markdown_table(
        ["policy", "sampler", "steps", *heads],
        [[*_who(line[0].condition), *map(_rate, line)] for line in lines],
        words=2,
        above=headings([("", line[0].role) for line in lines]),
    )


def _by_task(source: Source, folder: str, words: Sequence[str]) -> str:
    """A row for each task, and a column for each condition of the runs: successes, and ways."""
    runs = [source.run(name) for name in (folder, *words)]
    columns = [(run, total.condition) for run in runs for total in run.totals]
    tasks = sorted({record.cell.task for run in runs for record in run.report.records})
    heads = [Marked(f"{code(c.called)}, {c.engine}") for _, c in columns]
    lines = [[code(task), *(_task_of(run, c, task) for run, c in columns)] for task in tasks]
    return markdown_table(["task", *heads], lines, words=1)


def _task_of(run: Run, condition: Condition, task: str) -> str:
    """Successes of all episodes, and how many of these took each way; "-" if there are none."""
    mine = [r for r in run.report.records if Condition.of(r) == condition and r.cell.task == task]
    if not mine:
        return "-"
    ways = Counter(record.mode for record in mine if record.mode)
    told = ", ".join(f"{way} {count}" for way, count in sorted(ways.items()))
    found = run.over(condition, [task])
    return f"{found.successes}/{found.n}" + (f" ({in_markdown(told)})" if told else "")


def _trials(source: Source, folder: str, words: Sequence[str]) -> str:
    """The trainings behind the published ones."""
    _none(words)
    found = trials(source.root / folder)
    if not found:
        raise UsageError(f"{folder}: holds no trials.csv and no trials.md")
    return found


def _file(source: Source, folder: str, words: Sequence[str]) -> str:
    """A CSV file beside the records, which `pi0bench check --out` or `tune` wrote."""
    if len(words) != 1:
        raise UsageError("name one file, such as tasks.csv")
    found = table(source.root / folder / words[0])
    if not found:
        raise UsageError(f"{folder}: holds no {words[0]}")
    return found


def _one_rate(source: Source, folder: str, words: Sequence[str]) -> str:
    """Successes, rate and interval of one condition."""
    run = source.run(folder)
    (condition,), tasks = _asked(run, words, 1)
    return _rate(run.over(condition, tasks))


def _difference(source: Source, folder: str, words: Sequence[str]) -> str:
    """By how many points the first is above the second, on the episodes of both."""
    run = source.run(folder)
    (first, second), tasks = _asked(run, words, 2)
    of = outcomes_of(r for r in run.report.records if r.cell.task in tasks)
    one, other = of.get(first, {}), of.get(second, {})
    shared = sorted(one.keys() & other.keys())
    if not shared:
        raise UsageError(f"{first} and {second} share no episode")
    outcomes = [one[e] for e in shared], [other[e] for e in shared]
    result = paired(*outcomes, methods=run.report.analysis.pairs)
    low, high = 100 * result.interval.low, 100 * result.interval.high
    return f"{100 * result.difference:.1f} points [{low:.1f}, {high:.1f}]"


def _asked(run: Run, words: Sequence[str], count: int) -> tuple[list[Condition], list[str]]:
    """The conditions, and the tasks after `tasks=`; all of the first where none are named."""
    named = [run.condition(word) for word in words if not word.startswith(_TASKS)]
    if len(named) != count:
        raise UsageError(f"name {count} of the conditions, such as pi0 or pi0:10, not {len(named)}")
    tasks = [t for w in words if w.startswith(_TASKS) for t in w.removeprefix(_TASKS).split("+")]
    mine = {r.cell.task for r in run.report.records if Condition.of(r) == named[0]}
    return named, tasks or sorted(mine)


def _none(words: Sequence[str]) -> None:
    if words:
        raise UsageError(f'nothing is asked by "{" ".join(words)}"')


def _who(condition: Condition) -> tuple[str, str, str]:
    policy, solver, steps = who(condition)
    return code(policy), solver, steps


def _rate(row: Row) -> str:
    return f"{row.successes}/{row.n}, {percent(row.rate)} {percents(row.interval)}"


def _bold(text: str, best: bool) -> str:
    return bold(text) if best else text


@dataclass(frozen=True)
class Quote:
    """How something is said, and whether within a sentence."""

    say: Callable[[Source, str, Sequence[str]], str]
    inline: bool = False


QUOTES: Mapping[str, Quote] = {
    "run": Quote(_printed),
    "policies": Quote(_policies),
    "steps": Quote(_steps),
    "tasks": Quote(_by_task),
    "trials": Quote(_trials),
    "file": Quote(_file),
    "rate": Quote(_one_rate, inline=True),
    "difference": Quote(_difference, inline=True),
}
