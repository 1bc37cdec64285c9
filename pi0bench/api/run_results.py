"""A run that was measured, for programs and notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pi0bench.api.comparing import PairedDifference, paired_difference
from pi0bench.errors import IncompleteError
from pi0bench.records.run_folder import RunFolder
from pi0bench.report import data_frames
from pi0bench.report.comparison_input import entry
from pi0bench.report.html.notebook_table import table_html
from pi0bench.report.run_report import RunReport, run_report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Run:
    """A run; its numbers are those of its tables, and follow from its records alone.

    Attributes:
        folder: Holds records, tables, figure, videos and page.
        allow_incomplete: Whether to tell of it even when episodes are missing.
        missing: Episodes that could not be measured; only known of a run that was just measured.
        told: What was told of a run that was just measured; None where nothing was.
    """

    folder: Path
    allow_incomplete: bool = False
    missing: int = 0
    told: RunReport | None = None

    @property
    def exit_code(self) -> int:
        """What the command line ends with: 0, or 3 when episodes could not be measured."""
        return IncompleteError.exit_code if self.missing else 0

    @cached_property
    def report(self) -> RunReport:
        """All that is told of the run.

        Raises:
            IncompleteError: episodes are missing, and that was not allowed.
        """
        return self.told or run_report(RunFolder(self.folder), self.allow_incomplete)

    @property
    def episodes(self) -> pd.DataFrame:
        """A row an episode, in tidy columns whose names say their units."""
        return data_frames.episodes(self.report.records, self.report.timings)

    def success(self, by: Sequence[str] = ("policy", "steps")) -> pd.DataFrame:
        """Success rates of groups of episodes.

        Args:
            by: Columns of `episodes` that a group has in common.

        Returns:
            A row a group: the columns `by`, k successes of n episodes, rate, low and high, the
            bounds of its 95 % interval (see `pi0bench.report.data_frames.success`).

        Raises:
            UsageError: there is no such column.
        """
        return data_frames.success(self.episodes, by, self.report.analysis)

    def compare(
        self, first: str, second: str, steps: int | None = None, solver: str | None = None
    ) -> PairedDifference:
        """Compare two policies on the episodes that both were measured on.

        Args:
            first: A policy.
            second: Another one.
            steps: Sampler steps, where they were measured with several.
            solver: The sampler, where they were measured with several.

        Raises:
            UsageError: there is no such policy, or it was measured under several conditions.
        """
        return paired_difference(entry(self.folder), first, second, steps, solver)

    def plot(self) -> Figure:
        """The figure of steps.png: success by sampler steps and by milliseconds, and why."""
        from pi0bench.report.figures.steps_figure import draw_steps  # late: it loads matplotlib

        return draw_steps(self.report.profiles, self.report.choices, self.report.analysis)

    def __repr__(self) -> str:
        episodes, conditions = len(self.report.records), len(self.report.profiles)
        return f"<Run {self.folder}: {episodes} episodes, {conditions} conditions>"

    def _repr_html_(self) -> str:
        return table_html(self.report)


def load(folder: Path | str, allow_incomplete: bool = False) -> Run:
    """A run that was measured before, a published one too.

    Args:
        folder: Of the run.
        allow_incomplete: Tell of it even when episodes are missing, with worst-case bounds.

    Raises:
        UsageError: it is no run's folder.

    Examples:
        >>> import pi0bench
        >>> run = pi0bench.load(results / "0.1.1" / "pi0")
        >>> len(run.episodes), bool(run.episodes["success"].mean() > 0.5)
        (500, True)
        >>> list(run.success(by=["task"]).columns)
        ['task', 'k', 'n', 'rate', 'low', 'high']
    """
    run = Run(Path(folder), allow_incomplete)
    RunFolder(run.folder).manifest()
    return run
