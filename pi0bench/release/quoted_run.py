"""Published runs, each read once, and their parts by the names that texts give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pi0bench.errors import UsageError, unknown
from pi0bench.records import manifest
from pi0bench.records.condition import Condition
from pi0bench.records.run_folder import RunFolder
from pi0bench.report.run_report import RunReport, run_report
from pi0bench.report.success_rows import Row, row


@dataclass(frozen=True)
class Run:
    """A published run, read once."""

    report: RunReport

    @classmethod
    def read(cls, folder: Path) -> Run:
        """Read a run's folder.

        Raises:
            UsageError: it holds no run.
        """
        if not (folder / manifest.NAME).exists():
            raise UsageError(f"{folder}: holds no published run")
        return cls(run_report(RunFolder(folder), incomplete=True))

    @property
    def totals(self) -> list[Row]:
        """The row of each condition that is over all its tasks."""
        return [line.total for line in self.report.headline.lines]

    def condition(self, asked: str) -> Condition:
        """The condition that POLICY, POLICY:STEPS or POLICY:STEPS:SOLVER names.

        Raises:
            UsageError: none or several.
        """
        known = [row.condition for row in self.totals]
        found = [c for c in known if asked in _names(c)]
        if len(found) != 1:
            every = sorted({_names(c)[-1] for c in found or known})
            what = "is several" if found else "was not measured"
            raise UsageError(f'"{asked}" {what}; known: {", ".join(every)}')
        return found[0]

    def over(self, condition: Condition, tasks: Sequence[str]) -> Row:
        """The row of a condition over some tasks."""
        mine = [r for r in self.report.records if Condition.of(r) == condition]
        groups = {name: [r for r in mine if r.cell.task == name] for name in tasks}
        missing = [name for name, records in groups.items() if not records]
        if missing:
            raise UsageError(unknown("task", missing[0], {r.cell.task for r in mine}))
        role = next(r.role for r in self.totals if r.condition == condition)
        return row(condition, groups, {}, kind=self.report.analysis, role=role)


class Source:
    """The published runs that a text names, from the text's own folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.run: Callable[[str], Run] = lru_cache(None)(lambda name: Run.read(root / name))


def _names(condition: Condition) -> list[str]:
    policy, solver, steps = condition.called, condition.solver, condition.steps
    return [policy, f"{policy}:{steps}", f"{policy}:{steps}:{solver}"] if steps else [policy]
