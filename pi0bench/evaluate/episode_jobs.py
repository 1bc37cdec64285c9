"""What workers are given to do for a run: episodes, and chunks to compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pi0bench.errors import Pi0benchError
from pi0bench.evaluate.cells import batches
from pi0bench.evaluate.jobs import Loss
from pi0bench.evaluate.plan_checks import PolicyFault
from pi0bench.evaluate.rollout import Outcome
from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing

_BATCHES = 7
"""A job has at most so many batches' episodes, 50 of a task: who interrupts a run waits for it."""


@dataclass(frozen=True)
class Measure:
    """A job: cells that differ in the episode alone, of which some run in lock step at a time.

    Attributes:
        cells: one episode each.
        film: also record the episodes that a film might be made of.
        abreast: episodes that run at a time.
        attempt: how often these episodes have been begun, this time included.
        fresh: build an environment for each episode, as is done when one is begun again.
    """

    cells: tuple[Cell, ...]
    film: bool = False
    abreast: int = 8
    attempt: int = 1
    fresh: bool = False

    @property
    def policy(self) -> str:
        """The policy that it asks."""
        return self.cells[0].policy

    def run(self, worker: Any) -> Iterator[Outcome]:
        """See `pi0bench.evaluate.worker.Worker.measure`."""
        return worker.measure(self)

    def parts(self, answers: Sequence[Outcome] = ()) -> Sequence[Measure]:
        """One job for each cell that runs, to begin it again, and one for those that wait."""
        done = {outcome.record.cell for outcome in answers}
        left = tuple(cell for cell in self.cells if cell not in done)
        again = [replace(self, cells=(c,), attempt=self.attempt + 1) for c in left[: self.abreast]]
        rest = left[self.abreast :]
        return [*again, replace(self, cells=rest)] if rest else again

    def lost(self, loss: Loss) -> list[Outcome]:
        """A fault for each cell."""
        return [
            Outcome(
                Record(cell, loss.status, 0, None, 0.0, "", 0, 0, fault=loss.why),
                Timing(cell.key(), 0.0, attempts=self.attempt),
            )
            for cell in self.cells
        ]


def measures(cells: Sequence[Cell], batch: int, workers: int) -> list[Measure]:
    """The jobs of these cells: each long enough for its lock step to stay full most of the time.

    A batch that is not refilled is left half empty by the episodes that end early.

    Args:
        cells: those of one condition next to each other.
        batch: episodes that run at a time.
        workers: that share the jobs.
    """
    most = max(batch, min(_BATCHES * batch, len(cells) // workers))
    jobs: list[Measure] = []
    for condition in batches(cells, len(cells)):
        parts = math.ceil(len(condition) / most)
        even = batches(condition, math.ceil(len(condition) / parts))
        jobs += [Measure(group, abreast=batch) for group in even]
    return jobs


@dataclass(frozen=True)
class Probe:
    """A job: the cells of one condition, which differ in the step count alone."""

    cells: tuple[Cell, ...]
    attempt: int = 1

    @property
    def policy(self) -> str:
        """The policy that it asks."""
        return self.cells[0].policy

    def run(self, worker: Any) -> Iterator[list[Quality] | Loss]:
        """See `Worker.probe`; a policy that cannot be asked so is no obstacle to anything else."""
        try:
            yield worker.probe(self.cells)
        except (Pi0benchError, PolicyFault) as error:
            yield from self.lost(Loss(str(error), "policy_fault"))

    def parts(self, answers: Sequence[list[Quality] | Loss] = ()) -> list[Probe]:
        """Itself, unless it has answered: step counts are compared with one another."""
        return [] if answers else [replace(self, attempt=self.attempt + 1)]

    def lost(self, loss: Loss) -> list[list[Quality] | Loss]:
        """Why there is no comparison."""
        where = f"{self.cells[0].policy} on {self.cells[0].task}"
        return [replace(loss, why=f"{where}: its chunks could not be compared: {loss.why}")]
