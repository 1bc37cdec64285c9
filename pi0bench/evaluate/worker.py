"""What one process does: loads each policy and renderer once, and runs jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pi0bench.envs.render.choose import make
from pi0bench.envs.render.renderer import Renderer
from pi0bench.errors import Pi0benchError, UsageError
from pi0bench.evaluate.episode import Outcome, run
from pi0bench.evaluate.film import Film
from pi0bench.evaluate.planning import Stopwatch, describe
from pi0bench.evaluate.probe import probe
from pi0bench.policies import registry
from pi0bench.policies.policy import Policy
from pi0bench.results.quality import Quality
from pi0bench.results.record import Cell, Record, Timing
from pi0bench.tasks.load import task
from pi0bench.tasks.spec import TaskSpec


@dataclass(frozen=True)
class Job:
    """Cells that differ in the episode alone, to be run in lock step.

    Attributes:
        cells: one episode each.
        film: also return frames; such a job has one cell.
    """

    cells: tuple[Cell, ...]
    film: bool = False


class Worker:
    """Runs jobs, one after another; what it has loaded stays loaded."""

    def __init__(self, policies: Mapping[str, Policy] | None = None) -> None:
        self._policies = dict(policies or {})
        self._renderers: dict[str, Renderer] = {}
        self._stopwatch = Stopwatch()

    def measure(self, job: Job) -> list[Outcome]:
        """Run a job's episodes; what breaks around the policy is an `infra_error` of its episode.

        Raises:
            Pi0benchError: something that would break every episode, and that the user can mend.
        """
        try:
            return self._measure(job)
        except Pi0benchError:
            raise
        except Exception as error:
            if len(job.cells) == 1:
                return [_broken(job.cells[0], describe(error))]
        return [end for cell in job.cells for end in self.measure(replace(job, cells=(cell,)))]

    def probe(self, cells: tuple[Cell, ...]) -> list[Quality]:
        """Compare the chunks of several step counts (see `pi0bench.evaluate.probe`)."""
        policy, spec = self._policy(cells[0]), _task(cells[0])
        sees = policy.traits.image_side > 0
        return probe(cells, policy, spec, self._renderer(cells[0].renderer) if sees else None)

    def _measure(self, job: Job) -> list[Outcome]:
        cell = job.cells[0]
        policy, spec = self._policy(cell), _task(cell)
        sees = policy.traits.image_side > 0
        drawer = self._renderer(cell.renderer) if sees or job.film else None
        film = Film(drawer) if job.film and drawer else None
        eyes = drawer if sees else None
        outcomes = run(job.cells, policy, spec, eyes, self._stopwatch, film)
        return [replace(end, frames=film.frames()) for end in outcomes] if film else outcomes

    def _policy(self, cell: Cell) -> Policy:
        if cell.policy not in self._policies:
            self._policies[cell.policy] = registry.load(cell.policy)
        policy = self._policies[cell.policy]
        if policy.traits.weights != cell.weights:
            raise UsageError(f"{cell.policy}: its weights changed while it was being measured")
        if policy.traits.weights != "none":
            import torch

            # Another number of threads sums in another order, and so gives other last bits.
            torch.set_num_threads(1)
        return policy

    def _renderer(self, name: str) -> Renderer:
        if name not in self._renderers:
            self._renderers[name] = make(name)
        return self._renderers[name]


def _task(cell: Cell) -> TaskSpec:
    spec = task(cell.task)
    if spec.hash != cell.task_hash:
        raise UsageError(f"{cell.task}: its file changed while it was being measured")
    return spec


def _broken(cell: Cell, fault: str) -> Outcome:
    record = Record(cell, "infra_error", 0, None, 0.0, "", 0, 0, fault=fault)
    return Outcome(record, Timing(cell.key(), 0.0))
