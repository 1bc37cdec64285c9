"""What one process does: loads each policy and renderer once, and runs jobs."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TypeVar

from pi0bench.envs.episode_protocol import OWN
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.presentation import Presentation, presentation
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.errors import Pi0benchError, UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.chunk_comparison import probe
from pi0bench.evaluate.environment_reuse import Kept
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.episode_loop import run
from pi0bench.evaluate.fault_attribution import describe
from pi0bench.evaluate.film_drawing import DrawFilm, Film, drawn
from pi0bench.evaluate.film_recording import FirstOfEach
from pi0bench.evaluate.jobs import ATTEMPTS, Job, Loss
from pi0bench.evaluate.plan_timing import Moment, Stopwatch, Watched, since
from pi0bench.evaluate.resampled_policy import resample
from pi0bench.evaluate.rollout import Outcome, Rollout
from pi0bench.evaluate.task_sources import Task, task
from pi0bench.machine.instruction_set import must_be_pinned
from pi0bench.policy.policy_protocol import Policy, on_one_thread
from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Timing, contrast

R = TypeVar("R")


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
        self._presentation: tuple[Presentation, str] | None = None
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
        eyes = self._renderer(cell.renderer) if sees else None
        films = FirstOfEach() if job.film else None
        kept = None if job.fresh or job.attempt > 1 else self._kept
        for end in run(job.cells, policy, spec, eyes, self._stopwatch, films, job.abreast, kept):
            yield replace(end, timing=replace(end.timing, attempts=job.attempt))

    def film(self, job: DrawFilm) -> Film:
        """Draw an episode; without its recording it is run again, and must end as it did."""
        record, recording = job.record, job.recording
        if recording is None:
            (end,) = self._run(Measure((record.cell,), film=True, abreast=1))
            if not end.record.final:
                return Film(record, problem=f"no video: {end.record.fault}")
            if end.record != record:
                why = contrast(record, end.record)
                return Film(record, problem=f"no video: ended otherwise when repeated: {why}")
            recording = end.recording
        if recording is None or recording.scene is None:
            return Film(record, drawn(record, recording, None) if recording else b"")
        self._presentation = self._presentation or presentation()
        draws, makeshift = self._presentation
        return Film(record, drawn(record, recording, draws), makeshift=makeshift)

    def _policy(self, cell: Cell) -> Policy:
        if cell.policy not in self._policies:
            policy, moment = policy_sources.load(cell.policy, cell.engine), self.planning
            watched = policy if moment is None else Watched(policy, lambda _: since(moment))
            self._policies[cell.policy] = watched
        policy = self._policies[cell.policy]
        if policy.traits.weights != cell.weights:
            raise UsageError(f"{cell.policy}: its weights changed while it was being measured")
        on_one_thread(policy)
        return resample(policy, cell.control_hz, cell.coarsen)

    def _renderer(self, name: str) -> Renderer | None:
        if name == OWN:
            return None
        if name not in self._renderers:
            self._renderers[name] = make(name)
        return self._renderers[name]


def _task(cell: Cell) -> Task:
    spec = task(cell.task)
    if spec.hash != cell.task_hash:
        raise UsageError(f"{cell.task}: its file changed while it was being measured")
    return spec
