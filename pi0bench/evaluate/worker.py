"""What one process does: loads each policy and renderer once, and runs jobs."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

from pi0bench.envs.episode_protocol import OWN
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.errors import Pi0benchError, UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.ask_policy import Moment, PolicyFault, Stopwatch, Watched, since
from pi0bench.evaluate.cells import batches
from pi0bench.evaluate.chunk_comparison import probe
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.episode_loop import Outcome, Rollout, run
from pi0bench.evaluate.fault_attribution import describe
from pi0bench.evaluate.frame_recorder import Film
from pi0bench.evaluate.jobs import ATTEMPTS, Job, Loss
from pi0bench.evaluate.task_sources import Task, task
from pi0bench.machine.instruction_set import must_be_pinned
from pi0bench.policies.policy import Policy, on_one_thread
from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing, contrast

R = TypeVar("R")

_BATCHES = 7
"""A job has at most so many batches' episodes, 50 of a task: who interrupts a run waits for it."""


class Worker:
    """Runs jobs, one after another; what it has loaded stays loaded.

    Args:
        policies: those that are loaded already.
        planning: shows since when a policy is asked for actions, so that others know whose fault
            it is when this process dies or does not go on.
        pinned: whether this process must be.

    Raises:
        MachineError: this process is not pinned, and it is too late for it.
    """

    def __init__(
        self,
        policies: Mapping[str, Policy] | None = None,
        planning: Moment | None = None,
        pinned: bool = True,
    ) -> None:
        if pinned:
            must_be_pinned("a worker")
        self._policies, self.planning = dict(policies or {}), planning
        self._renderers: dict[str, Renderer] = {}
        self._kept = Kept()
        self._stopwatch = Stopwatch()

    def do(self, job: Job[R]) -> Iterator[R]:
        """Do a job in this process, and yield its answers; what breaks is begun again, alone.

        Raises:
            Pi0benchError: something that would break every job, and that the user can mend.
        """
        done: list[R] = []
        try:
            for answer in job.run(self):
                done.append(answer)
                yield answer
            return
        except Pi0benchError:
            raise
        except (Exception, SystemExit) as error:
            loss = Loss(f"{describe(error)}, {ATTEMPTS} times", "infra_error")
        if job.attempt == ATTEMPTS:
            yield from job.lost(loss)
        else:
            for part in job.parts(done):
                yield from self.do(part)

    def close(self) -> None:
        """Close the environments that it keeps."""
        self._kept.close()

    def probe(self, cells: tuple[Cell, ...]) -> list[Quality]:
        """Compare the chunks of several step counts (see `pi0bench.evaluate.chunk_comparison`)."""
        policy, spec = self._policy(cells[0]), _task(cells[0])
        sees = policy.traits.image_side > 0
        return probe(cells, policy, spec, self._renderer(cells[0].renderer) if sees else None)

    def time(self, cell: Cell) -> Timing:
        """Time the first plan of an episode, for one robot (see `Stopwatch`)."""
        policy, spec = self._policy(cell), _task(cell)
        drawer = self._renderer(cell.renderer) if policy.traits.image_side > 0 else None
        rollout = Rollout(cell, spec, kept=self._kept)
        try:
            question = rollout.question(policy.traits, drawer)
            times = self._stopwatch.times(policy, question, cell)
            return Timing(cell.key(), 0.0, attempts=1, **times)
        finally:
            rollout.close()

    def measure(self, job: Measure) -> Iterator[Outcome]:
        """Run a job's episodes; the first after a reset is begun again in a fresh environment.

        When that ends otherwise, it is what counts, and all that follow have fresh ones too.
        """
        task, left = job.cells[0].task, list(job.cells)
        with closing(self._run(job)) as running:
            for end in running:
                cell, fault = end.record.cell, end.record.status == "env_fault"
                left.remove(cell)
                if not end.reset or (self._kept.clean(task) and not fault):
                    yield end
                    continue
                (fresh,) = self._run(replace(job, cells=(cell,), fresh=True))
                unclean = contrast(end.record, fresh.record)
                self._kept.judge(task, clean=not unclean)
                yield replace(fresh, unclean=unclean) if unclean else end
                if unclean:
                    break
        if left:
            yield from self._run(replace(job, cells=tuple(left), fresh=True))

    def _run(self, job: Measure) -> Generator[Outcome, None, None]:
        cell = job.cells[0]
        policy, spec = self._policy(cell), _task(cell)
        sees = policy.traits.image_side > 0
        drawer = self._renderer(cell.renderer) if sees or job.film else None
        film = Film(drawer) if job.film else None
        eyes = drawer if sees else None
        kept = None if job.fresh or job.attempt > 1 else self._kept
        for end in run(job.cells, policy, spec, eyes, self._stopwatch, film, job.abreast, kept):
            timing = replace(end.timing, attempts=job.attempt)
            yield replace(end, timing=timing, frames=film.frames() if film else ())

    def _policy(self, cell: Cell) -> Policy:
        if cell.policy not in self._policies:
            policy, moment = policy_sources.load(cell.policy, cell.engine), self.planning
            watched = policy if moment is None else Watched(policy, lambda _: since(moment))
            self._policies[cell.policy] = watched
        policy = self._policies[cell.policy]
        if policy.traits.weights != cell.weights:
            raise UsageError(f"{cell.policy}: its weights changed while it was being measured")
        on_one_thread(policy)
        return policy

    def _renderer(self, name: str) -> Renderer | None:
        if name == OWN:
            return None
        if name not in self._renderers:
            self._renderers[name] = make(name)
        return self._renderers[name]


@dataclass(frozen=True)
class Measure:
    """A job: cells that differ in the episode alone, of which some run in lock step at a time.

    Attributes:
        cells: one episode each.
        film: also return frames; such a job has one cell.
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

    def run(self, worker: Worker) -> Iterator[Outcome]:
        """See `Worker.measure`."""
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

    def run(self, worker: Worker) -> Iterator[list[Quality] | Loss]:
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


def _task(cell: Cell) -> Task:
    spec = task(cell.task)
    if spec.hash != cell.task_hash:
        raise UsageError(f"{cell.task}: its file changed while it was being measured")
    return spec
