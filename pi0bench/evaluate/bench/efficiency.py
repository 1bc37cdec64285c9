"""A real run beside what it takes at least: how near to the limit of this machine it is."""

from __future__ import annotations

import functools
import math
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from operator import add
from pathlib import Path
from time import perf_counter

from rich.console import Console

from pi0bench.argument_bounds import bounded
from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.errors import UsageError
from pi0bench.evaluate import policy_sources
from pi0bench.evaluate.bench.costs import Costs, costs
from pi0bench.evaluate.bench.split import Split, split
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_jobs import Measure, measures
from pi0bench.evaluate.measure import measure
from pi0bench.evaluate.supervised_executor import Local
from pi0bench.policy.policy_protocol import on_one_thread
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.task_files import task as load_task

_LOOKS = 4


@dataclass(frozen=True)
class Efficiency:
    """What a run takes, and what it would take at least.

    Attributes:
        settings: what was run.
        workers: processes of the real run; the split is of one.
        costs: the least that an episode's parts take.
        split: of the processor time of one process.
        records: of the real run's timed episodes.
        wall_s: that they took.
        start_s: that the processes took to start, and to load policy and renderer.
    """

    settings: Settings
    workers: int
    costs: Costs
    split: Split
    records: Sequence[Record]
    wall_s: float
    start_s: float

    @property
    def least_s(self) -> float:
        """C*: the processor seconds that an episode takes at least."""
        return self.costs.least_s(self.records) / len(self.records)

    @property
    def limit_hz(self) -> float:
        """X*: the episodes a second that the workers could do at most."""
        return self.workers / self.least_s

    @property
    def throughput_hz(self) -> float:
        """X: the episodes a second that they did."""
        return len(self.records) / self.wall_s

    @property
    def eta(self) -> float:
        """Real throughput over the limit."""
        return self.throughput_hz / self.limit_hz

    @property
    def processor_eta(self) -> float:
        """Least processor time over that of the split: the same, on a busy machine too."""
        return self.costs.least_s(self.split.records) / self.split.total_s

    @property
    def bound(self) -> str:
        """Which of the limit's terms is the greatest."""
        terms = self.terms_s
        return max(terms, key=lambda name: terms[name])

    @property
    def terms_s(self) -> Mapping[str, float]:
        """The limit's terms, processor seconds an episode."""
        one = self.costs
        parts = {
            "simulation": one.simulation_s(self.records),
            "rendering": one.rendering_s(self.records),
            "policy": one.policy_s(self.records),
        }
        return {name: took_s / len(self.records) for name, took_s in parts.items()}


def efficiency(settings: Settings, workers: int, batch: int) -> Efficiency:
    """Measure the first policy on the first task: least costs, the split, and a run by the clock.

    Raises:
        UsageError: a name is wrong, or there are too few episodes for the workers.
    """
    bounded("--batch", batch)
    policy, task = policy_sources.load(settings.policies[0]), load_task(settings.tasks[0])
    settings = replace(settings, renderer=choose(settings.renderer, settings.engine)[0])
    cells = expand(settings, {settings.policies[0]: policy.traits}, [task])
    jobs = measures(cells, batch, workers)
    if len(jobs) < workers:
        raise UsageError(f"--episodes: {len(cells)} are too few for {workers} workers; give more")
    renderer = make(settings.renderer) if policy.traits.image_side else None
    on_one_thread(policy)
    looks: list[Costs] = []
    parts: list[Split] = []
    for group in _groups(jobs):  # in turns: what else the machine does changes within seconds
        looks.append(costs(cells[0], policy, task, renderer))
        own = [cell for job in group for cell in job.cells]
        parts.append(split(own, group, policy, task, renderer))
    run = _real(cells, jobs, workers)
    looks.append(costs(cells[0], policy, task, renderer))
    return Efficiency(settings, workers, Costs.mean(looks), functools.reduce(add, parts), *run)


def _groups(jobs: Sequence[Measure]) -> list[Sequence[Measure]]:
    size = math.ceil(len(jobs) / _LOOKS)
    return [jobs[i : i + size] for i in range(0, len(jobs), size)]


def _real(
    cells: Sequence[Cell], jobs: Sequence[Measure], workers: int
) -> tuple[list[Record], float, float]:
    """Records, seconds, and seconds to start, of the jobs in the real executor and store."""
    with (
        tempfile.TemporaryDirectory() as out,
        closing(Local(workers)) as executor,
        RunFolder.open(Path(out), {}, cells) as folder,
    ):
        begun_s = perf_counter()
        first = [Measure(job.cells[:1]) for job in jobs[:workers]]
        list(executor.run(first))
        start_s = perf_counter()
        measure(jobs, executor, folder, Console(quiet=True))
        return folder.records(), perf_counter() - start_s, start_s - begun_s
