"""A run's milliseconds measured anew, one plan at a time, while nothing else runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pi0bench.argument_bounds import bounded
from pi0bench.errors import IncompleteError, UsageError
from pi0bench.evaluate.jobs import Loss
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.evaluate.verify import changed
from pi0bench.evaluate.worker import Worker
from pi0bench.files.folder_lock import PATIENCE_S
from pi0bench.records.record import Cell, Timing
from pi0bench.records.run_folder import RunFolder


@dataclass(frozen=True)
class Clock:
    """A job: the first plan of one episode, for one robot."""

    cell: Cell
    attempt: int = 1

    @property
    def policy(self) -> str:
        """The policy that it asks."""
        return self.cell.policy

    def run(self, worker: Worker) -> Iterator[Timing]:
        """See `Worker.time`."""
        yield worker.time(self.cell)

    def parts(self, answers: Sequence[Timing] = ()) -> list[Clock]:
        """Itself, unless it has answered."""
        return [] if answers else [replace(self, attempt=self.attempt + 1)]

    def lost(self, loss: Loss) -> list[Timing]:
        """Nothing.

        Raises:
            IncompleteError: always.
        """
        where = f"{self.cell.policy} on {self.cell.task}"
        raise IncompleteError(f"{where} could not be timed: {loss.why}; the old times are kept")


def retime(run: Path, episodes: int, console: Console) -> None:
    """Time some episodes' first plans again, and forget all other times of plans.

    Conditions take turns, so that whatever slows this machine for a while slows all of them.

    Args:
        run: its folder; records stay as they are.
        episodes: of each task under each condition.
        console: where to say what was done.

    Raises:
        UsageError: there are no records, or what was measured has changed since.
    """
    bounded("--episodes", episodes)
    RunFolder(run).manifest()  # or it is no run's folder, and not to be written in
    with RunFolder.alone(run, PATIENCE_S) as folder:
        records, manifest = folder.records(), folder.manifest()
        cells = [r.cell for r in records if r.final and r.cell.episode < episodes]
        if not cells:
            raise UsageError(f"{run}: holds no measured episodes")
        if changes := changed(cells, manifest):
            raise UsageError(f"{run}: cannot be timed again: {'; '.join(changes)}")
        turns = sorted(cells, key=lambda cell: (cell.episode, cell.task))
        with closing(Local(1)) as executor:
            taken = {timing.key: timing for timing in executor.run([Clock(c) for c in turns])}
        anew = [_with(timing, taken.get(timing.key)) for timing in folder.timings()]
        folder.rewrite(records, anew)
    said = f"{run}: {len(taken)} plans timed, one after another; report writes the pages again."
    console.print(Text(said), soft_wrap=True)


def _with(timing: Timing, anew: Timing | None) -> Timing:
    anew = anew or Timing(timing.key, timing.wall_s)
    return replace(anew, wall_s=timing.wall_s, attempts=timing.attempts)
