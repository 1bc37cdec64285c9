"""Tables as LaTeX, to be pasted into a paper that loads booktabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pi0bench.report import trainings_table
from pi0bench.report.comparison import Comparison
from pi0bench.report.comparison_tables import cells, names
from pi0bench.report.comparison_tables import sentences as about
from pi0bench.report.headline_table import (
    FAULTS,
    Headline,
    Line,
    evaluations,
    milliseconds,
    successes,
)
from pi0bench.report.number_format import NOTHING, in_latex, percents
from pi0bench.report.over_trainings import Trained
from pi0bench.report.terminal_table import MAX_TASKS

HEAD = "% Made from records by pi0bench; needs \\usepackage{booktabs}.\n"
MAX_CONDITIONS = 5
"""So many fit beside each other as columns, where the tasks are the rows."""

Marked = tuple[Sequence[str], bool, str]
"""The cells of a row, whether they are bold, and the name of the group that begins there, or ""."""


def run_latex(found: Headline, footer: Sequence[str], trained: Sequence[Trained] = ()) -> str:
    """Return a row for each condition, and each task's successes where they fit.

    Below stand policies over their trainings, where some have several.
    """
    tasks = found.tasks if 1 < len(found.tasks) <= MAX_TASKS else ()
    counts = {task: _count(found, task) for task in tasks}
    at_fault = [FAULTS.replace(" ", "\n")] if found.faulty else []
    names = [*found.names, "evals/\nre-plan", "ms/\nre-plan", "n", found.mean, *at_fault]
    rows = [
        (
            [
                *line.who,
                evaluations(line),
                milliseconds(line),
                str(line.total.n),
                f"{100 * (line.total.rate or 0.0):.1f} {percents(line.total.interval)}",
                *([str(line.total.faults)] if at_fault else []),
                *(_successes(line, task, counts[task]) for task in tasks),
            ],
            line.best,
            above,
        )
        for line, above in zip(found.lines, found.above, strict=True)
    ]
    total = " and ".join(sorted({line.total.task for line in found.lines}))
    caption = [f"Success rate in per cent with its 95 % interval, {total}.", *found.notes]
    left = len(found.names) - 1
    heads = [*names, *(_spaced(task, counts[task]) for task in tasks)]
    blocks = [_table(heads, rows, left, caption, "tab:pi0bench", footer)]
    if len(found.tasks) > MAX_TASKS and len(found.lines) <= MAX_CONDITIONS:
        of_task = [
            ([task, *(successes(line, [task])[0] for line in found.lines)], False, "")
            for task in found.tasks
        ]
        heads = ["task", *(line.label for line in found.lines)]
        caption = ["Successes of episodes on each task."]
        blocks.append(_table(heads, of_task, 1, caption, "tab:pi0bench-tasks"))
    if trained:
        of_policy = [(trainings_table.cells(of), False, "") for of in trained]
        caption = [f"{trainings_table.TITLE}.", trainings_table.note(trained)]
        blocks.append(
            _table(trainings_table.NAMES, of_policy, 5, caption, "tab:pi0bench-trainings")
        )
    return HEAD + "\n".join(blocks)


def comparison_latex(found: Comparison) -> str:
    """Return the standings, those that cannot be told from the best in bold, and sentences."""
    rows = [
        (cells(s, found), s.name in found.best, above)
        for s, above in zip(found.standings, found.above, strict=True)
    ]
    caption, *notes = about(found)
    return HEAD + _table(
        [n.replace(" below ", " below\n") for n in names(found)],
        rows,
        1,
        [caption],
        "tab:pi0bench-comparison",
        notes,
    )


def _table(
    names: Sequence[str],
    rows: Iterable[Marked],
    left: int,
    caption: Iterable[str],
    label: str,
    notes: Sequence[str] = (),
) -> str:
    """Return a table; its first columns, `left` of them, stand on the left."""
    columns = "l" * left + "r" * (len(names) - left)
    lines = [
        r"\begin{table}",
        r"\centering",
        r"\footnotesize",
        r"\setlength{\tabcolsep}{3pt}",
        f"\\begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        _line([_stacked(name, place < left) for place, name in enumerate(names)]),
        r"\midrule",
        *(line for row in rows for line in _marked(*row)),
        r"\bottomrule",
        r"\end{tabular}",
        f"\\caption{{{in_latex(' '.join(caption))}}}",
        f"\\label{{{label}}}",
        *([f"\\par\\footnotesize\\raggedright {in_latex(' '.join(notes))}"] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _marked(row: Sequence[str], bold: bool, above: str) -> list[str]:
    named = [r"\midrule", _line([f"\\textit{{{in_latex(above)}}}", *[""] * (len(row) - 1)])]
    return [*(named if above else []), _line([_cell(cell, bold) for cell in row])]


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"


def _cell(text: str, bold: bool) -> str:
    if text == NOTHING:
        return "--"
    return f"\\textbf{{{in_latex(text)}}}" if bold else in_latex(text)


def _stacked(name: str, on_left: bool) -> str:
    """A column's name, of several lines below each other if need be."""
    lines = name.split("\n")
    if len(lines) < 2:
        return in_latex(name)
    side, stack = "l" if on_left else "r", r" \\ ".join(map(in_latex, lines))
    return f"\\shortstack[{side}]{{{stack}}}"


def _count(found: Headline, task: str) -> int | None:
    """The n that every condition has on `task`; None where they differ."""
    ns = {row.n for line in found.lines for row in line.profile.tasks if row.task == task}
    return ns.pop() if len(ns) == 1 else None


def _successes(line: Line, task: str, n: int | None) -> str:
    text = successes(line, [task])[0]
    return text if n is None else text.removesuffix(f"/{n}")


def _spaced(task: str, n: int | None) -> str:
    """A task's name with places to break it, and the n that is the same in the whole column."""
    return task.replace("_", "_\n") + ("" if n is None else f"\nof {n}")
