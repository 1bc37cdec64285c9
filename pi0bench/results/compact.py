"""One table for many conditions: a row each, no wider than the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from pi0bench.results.profile import Profile
from pi0bench.results.roles import headings
from pi0bench.results.text import NOTHING, escaped, in_terminal, percents, plain, printable, whole

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WORLD = ("engine", "renderer", "variation")
MAX_TASKS = 5

LEGEND = (
    "evals/re-plan: passes through the trunk's action expert for one chunk of actions. ms/re-plan: "
    f"one robot's, p50. {NOTHING}: does not apply, or was not measured."
)


def print_compact(profiles: Sequence[Profile], console: Console) -> None:
    """Print one table of all conditions, with a column a task where five or fewer tasks fit."""
    tasks = _tasks(profiles)
    # The names of tasks are broken at underscores, in the last resort at each.
    tries = [
        _table(profiles, [(task, _broken(task, width)) for task in tasks], gap)
        for width, gap in ((9, 1), (9, 0), (0, 0))
    ]
    # Asked within the console's own width, a table that is too wide would claim to fit.
    unbounded = console.options.update(max_width=10_000)
    fitting = [t for t in tries if console.measure(t, options=unbounded).maximum <= console.width]
    console.print(in_terminal(_title(profiles)), soft_wrap=True)
    console.print(fitting[0] if fitting else _table(profiles, [], gap=1))


def _tasks(profiles: Sequence[Profile]) -> list[str]:
    """The tasks that deserve a column: none beside a single one, which the mean already is."""
    names = sorted({row.task for profile in profiles for row in profile.tasks})
    return names if 1 < len(names) <= MAX_TASKS else []


def _broken(task: str, width: int) -> str:
    """Break a task's name at its underscores into lines of at most so many characters."""
    lines = [""]
    for piece in printable(task).replace("_", "_\n").split("\n"):
        if lines[-1] and len(lines[-1] + piece) > width:
            lines.append("")
        lines[-1] += piece
    return escaped("\n".join(lines))


def _table(profiles: Sequence[Profile], tasks: Sequence[tuple[str, str]], gap: int) -> Table:
    """Return the table; `tasks` are the names of those with a column, and how they are written."""
    from rich import box
    from rich.table import Table

    worlds = {p.condition.world for p in profiles}
    parts = [i for i in range(3) if len({world[i] for world in worlds}) > 1]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, gap, 0, 0))
    for name in [*(WORLD[i] for i in parts), "policy", "solver"]:
        table.add_column(name, overflow="fold")
    mean = "mean" if len(profiles[0].tasks) > 1 else "success"
    names = ["steps", "evals/\nre-plan", *(name for _, name in tasks), mean, "95 % CI"]
    for name in [*names, "ms/\nre-plan"]:
        table.add_column(name, justify="right", no_wrap=True)
    groups = [(p.condition.world, p.total.role) for p in profiles]
    above = {p.condition: name for p, name in zip(profiles, headings(groups), strict=True)}
    for _, group in groupby(profiles, key=lambda p: (p.condition.world, p.condition.policy)):
        rows = list(group)
        heading = above[rows[0].condition]
        if heading or len(rows) > 1:
            table.add_section()
        if heading:
            table.add_row(f"{heading}:", style="italic")
        for place, profile in enumerate(rows):
            cells = _cells(profile, [task for task, _ in tasks], named=place == 0)
            where = [profile.condition.world[i] for i in parts]
            table.add_row(*map(in_terminal, [*where, *cells]))
        if len(rows) > 1:
            table.add_section()
    return table


def _title(profiles: Sequence[Profile]) -> str:
    totals = {p.total.task for p in profiles}
    total = totals.pop() if len(totals) == 1 else "mean over tasks"
    worlds = {p.condition.world for p in profiles}
    counts = sorted({row.n for p in profiles for row in p.tasks})
    n = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    where = f" · {' / '.join(profiles[0].condition.world)}" if len(worlds) == 1 else ""
    return f"Success in %, {total}, {n} episodes a task{where}"


def _cells(profile: Profile, tasks: Sequence[str], named: bool) -> list[str]:
    condition, total = profile.condition, profile.total
    rates = {row.task: row.rate for row in profile.tasks}
    return [
        condition.policy if named else "",
        condition.solver if condition.steps else NOTHING,
        str(condition.steps or NOTHING),
        plain(total.evaluations, 1),
        *(whole(rates.get(task)) for task in tasks),
        NOTHING if total.rate is None else f"{100 * total.rate:.1f}",
        percents(total.interval) if total.n else NOTHING,
        NOTHING if total.replan_ms is None else f"{total.replan_ms[0]:.1f}",
    ]
