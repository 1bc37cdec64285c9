"""A comparison as tables and sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pi0bench.report.comparison import Comparison, Standing
from pi0bench.report.competing_policies import tagged
from pi0bench.report.headline_table import FAULTS
from pi0bench.report.number_format import (
    NOTHING,
    bold,
    in_markdown,
    markdown_table,
    percent,
    percents,
    points,
)
from pi0bench.report.terminal_grid import FAULTY, Column, Line, print_grid
from pi0bench.stats.success_intervals import Interval

if TYPE_CHECKING:
    from rich.console import Console

_NAMES = ("condition", "success", "rate", "points below the best", "p (Holm)", "rho")
FEW_TASKS = 8
"""Below this many the interval for other tasks is too narrow to be trusted."""


def sentences(found: Comparison) -> list[str]:
    """Say what the table rests on, and what it cannot tell."""
    kind = found.analysis
    drawing = "; over tasks, the percentile bootstrap with 10,000 draws, seed 0"
    lines = [
        f"{found.n} shared episodes of {', '.join(found.tasks)}, paired by task and number.",
        *found.notes,
        *_tests(found),
        *([found.resolution.sentence()] if found.resolution else []),
        f"[low, high] are 95 % intervals: {kind.rates}, for rates; {kind.differences}, for "
        f"differences in points{drawing if kind.fixed else ''}.",
    ]
    drawn: tuple[tuple[str, Callable[[Standing], Interval | None]], ...] = (
        ("these tasks (their episodes drawn anew)", lambda s: s.these),
        ("other tasks of the kind (tasks drawn, then episodes)", lambda s: s.others),
    )
    for whose, interval in drawn:
        spans = [f"{s.name} {points(i)}" for s in found.standings if (i := interval(s))]
        if spans:
            lines.append(f"Points below the best, for {whose}: {', '.join(spans)}.")
    if 1 < len(found.tasks) < FEW_TASKS and found.resolution:
        lines[-1] += f" Of {len(found.tasks)} tasks the last is too narrow to be trusted."
    return lines


def _tests(found: Comparison) -> Iterator[str]:
    """Say who is among the best, and of those that do not compete how they stand beside it."""
    best, test = [s.name for s in found.standings if s.name in found.best], found.analysis.test
    if best:
        equal = f" All rates equal: Cochran's Q p = {found.tests.q_p:.2g}."
        yield (
            f"Not distinguishable from the best: {', '.join(best)} ({test} of every pair, "
            f"{len(found.tests.pairs)} in all, Holm at 5 %).{equal if found.analysis.fixed else ''}"
        )
    beside = [
        f"{tagged(s.name, s.role)} p = {s.against.p:.2g}"
        for s in found.standings
        if s.against and s.p is None
    ]
    if beside:
        yield (
            f"Outside the comparison, each beside the best by itself ({test}, uncorrected): "
            f"{', '.join(beside)}."
        )


def markdown(found: Comparison) -> str:
    """Return a Markdown table, those that cannot be told from the best in bold, and sentences."""
    lines = [cells(standing, found) for standing in found.standings]
    for standing, line in zip(found.standings, lines, strict=True):
        if standing.name in found.best:
            line[0] = bold(line[0])
    blocks = [
        markdown_table(names(found), lines, words=1, above=found.above),
        *map(in_markdown, sentences(found)),
    ]
    return "\n\n".join(blocks) + "\n"


def print_comparison(found: Comparison, console: Console) -> None:
    """Print the same, with what the terminal has room for."""
    from rich.text import Text

    heads = (name.replace(" below ", " below\n") for name in _NAMES)
    goes = ("", "", "", "", "p", "rho")
    columns = [Column(head, goes=going) for head, going in zip(heads, goes, strict=True)]
    columns[0] = Column(_NAMES[0], "name")
    columns += [FAULTY] if found.faulty else []
    lines = [
        Line(cells(s, found), style="bold" if s.name in found.best else "", above=above)
        for s, above in zip(found.standings, found.above, strict=True)
    ]
    print_grid(columns, lines, console, "With --out FOLDER it is written there.", ruled=True)
    for line in sentences(found):
        console.print(Text(line), soft_wrap=True)


def names(found: Comparison) -> list[str]:
    """Return the table's columns; that of faults only where there are some."""
    return [*_NAMES, *([FAULTS] if found.faulty else [])]


def cells(standing: Standing, found: Comparison) -> list[str]:
    """Return what a table says of a standing, under `names`."""
    return [*_cells(standing), *([str(standing.faults)] if found.faulty else [])]


def _cells(standing: Standing) -> list[str]:
    rate = f"{percent(standing.successes / standing.n)} {percents(standing.interval)}"
    head = [standing.name, f"{standing.successes}/{standing.n}", rate]
    result = standing.against
    if result is None:
        return [*head, *[NOTHING] * 3]
    return [
        *head,
        f"{100 * result.difference:.1f} {points(result.interval)}",
        NOTHING if standing.p is None else f"{standing.p:.2g}",
        NOTHING if standing.rho is None else f"{standing.rho:.2f}",
    ]
