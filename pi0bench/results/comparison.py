"""A comparison as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pi0bench.results.compare import Comparison, Standing
from pi0bench.results.grid import Column, Line, print_grid
from pi0bench.results.stats.intervals import Interval
from pi0bench.results.text import (
    NOTHING,
    bold,
    in_markdown,
    markdown_table,
    percent,
    percents,
    points,
)

if TYPE_CHECKING:
    from rich.console import Console

NAMES = ("condition", "success", "rate", "points below the best", "p (Holm)", "rho")
FEW_TASKS = 8
"""Below this many the interval for other tasks is too narrow to be trusted."""


def sentences(found: Comparison) -> list[str]:
    """Say what the table rests on, and what it cannot tell."""
    best = [s.name for s in found.standings if s.name in found.tests.best]
    lines = [
        f"{found.n} shared episodes of {', '.join(found.tasks)}, paired by task and number.",
        f"Not distinguishable from the best: {', '.join(best)} (exact McNemar of every pair, "
        f"{len(found.tests.pairs)} in all, Holm at 5 %). All rates equal: Cochran's Q p = "
        f"{found.tests.q_p:.2g}.",
        found.resolution.sentence(),
        "[low, high] are 95 % intervals: Clopper-Pearson for rates, Tango's score interval for "
        "differences in points; over tasks, the percentile bootstrap with 10,000 draws, seed 0.",
    ]
    drawn: tuple[tuple[str, Callable[[Standing], Interval | None]], ...] = (
        ("these tasks (their episodes drawn anew)", lambda s: s.these),
        ("other tasks of the kind (tasks drawn, then episodes)", lambda s: s.others),
    )
    for kind, interval in drawn:
        spans = [f"{s.name} {points(i)}" for s in found.standings if (i := interval(s))]
        if spans:
            lines.append(f"Points below the best, for {kind}: {', '.join(spans)}.")
    if 1 < len(found.tasks) < FEW_TASKS:
        lines[-1] += f" Of {len(found.tasks)} tasks the last is too narrow to be trusted."
    return lines


def markdown(found: Comparison) -> str:
    """Return a Markdown table, those that cannot be told from the best in bold, and sentences."""
    lines = [cells(standing) for standing in found.standings]
    for standing, line in zip(found.standings, lines, strict=True):
        if standing.name in found.tests.best:
            line[0] = bold(line[0])
    blocks = [markdown_table(NAMES, lines, words=1), *map(in_markdown, sentences(found))]
    return "\n\n".join(blocks) + "\n"


def print_comparison(found: Comparison, console: Console) -> None:
    """Print the same, with what the terminal has room for."""
    from rich.text import Text

    heads = (name.replace(" below ", " below\n") for name in NAMES)
    goes = ("", "", "", "", "p", "rho")
    columns = [Column(head, goes=going) for head, going in zip(heads, goes, strict=True)]
    columns[0] = Column(NAMES[0], "name")
    lines = [
        Line(cells(s), style="bold" if s.name in found.tests.best else "") for s in found.standings
    ]
    print_grid(columns, lines, console, "With --out FOLDER it is written there.", ruled=True)
    for line in sentences(found):
        console.print(Text(line), soft_wrap=True)


def cells(standing: Standing) -> list[str]:
    """Return what a table says of a standing, under `NAMES`."""
    rate = f"{percent(standing.successes / standing.n)} {percents(standing.interval)}"
    head = [standing.name, f"{standing.successes}/{standing.n}", rate]
    result = standing.against
    if result is None:
        return [*head, *[NOTHING] * 3]
    return [
        *head,
        f"{100 * result.difference:.1f} {points(result.interval)}",
        f"{standing.p:.2g}",
        NOTHING if standing.rho is None else f"{standing.rho:.2f}",
    ]
