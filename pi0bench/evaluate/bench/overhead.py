"""What the harness itself takes: episodes onto a real disk, less what their environment takes."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

from rich.console import Console

from pi0bench.errors import UsageError
from pi0bench.evaluate import executors, policy_sources
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.episode_jobs import measures
from pi0bench.evaluate.measure import measure
from pi0bench.evaluate.plan_timing import Watched
from pi0bench.gym.external_env_task import GymTask
from pi0bench.gym.registration import STILL
from pi0bench.records.run_folder import RunFolder

EPISODES = 2000
SLICES = 10
_BATCH = 8
_BARE_STEPS = 6000
_MB = 2**20


@dataclass(frozen=True)
class Overhead:
    """What the harness takes.

    Attributes:
        env_id: of the environment.
        policy: the policy.
        episodes: carried out.
        steps: their control steps.
        slices_us: processor microseconds of a control step in each tenth of the episodes: loop,
            records, and both files onto the disk, without plans and environment.
        grown_mb: memory after all of them less that after the first tenth.
    """

    env_id: str
    policy: str
    episodes: int
    steps: int
    slices_us: Sequence[float]
    grown_mb: float

    @property
    def step_us(self) -> float:
        """The median of the slices: what else the machine does comes and goes."""
        return median(self.slices_us)


def overhead(env_id: str = STILL, policy: str = "zero", episodes: int = EPISODES) -> Overhead:
    """Carry out that many episodes, in this process, by the one loop and the one store.

    Args:
        env_id: of a registered Gymnasium environment.
        policy: plans for it; what its plans take is not the harness's.
        episodes: how many.

    Raises:
        UsageError: no environment or policy has that name, or there are too few episodes.
    """
    if episodes < SLICES:
        raise UsageError(f"--episodes: {episodes} are too few; give {SLICES} or more")
    planner, target = policy_sources.load(policy), GymTask(env_id)
    settings = Settings(
        (policy,), (target.id,), target.engine, renderer=target.renderer, episodes=episodes
    )
    cells = expand(settings, {policy: planner.traits}, [target])
    spent_s, steps, resident = [0.0], 0, list[int]()

    @contextmanager
    def planning(rows: int) -> Iterator[None]:
        start_s = process_time()
        yield
        spent_s[0] += process_time() - start_s

    slices_us: list[float] = []
    with (
        tempfile.TemporaryDirectory() as out,
        closing(executors.Inline({policy: Watched(planner, planning)})) as executor,
        RunFolder.open(Path(out), {}, cells) as folder,
    ):
        for number in range(SLICES):
            jobs = measures(cells[number::SLICES], _BATCH, workers=1)
            bare_us, spent_s[0] = _bare_us(target), 0.0
            start_s = process_time()
            measure(jobs, executor, folder, Console(quiet=True))
            took_s = process_time() - start_s - spent_s[0]
            now = sum(record.length for record in folder.records())
            slices_us.append(1e6 * took_s / (now - steps) - bare_us)
            resident.append(_resident())
            steps = now
    return Overhead(env_id, policy, episodes, steps, slices_us, (resident[-1] - resident[0]) / _MB)


def _bare_us(target: GymTask) -> float:
    """Processor microseconds that a control step takes of the environment alone, with resets."""
    with closing(target.begin(0, 0)) as episode:
        env, action, steps = episode.env, episode.legal((episode.low + episode.high) / 2), 0
        start_s = process_time()
        while steps < _BARE_STEPS:
            env.reset(seed=steps)
            done = False
            while not done:
                _, _, over, late, _ = env.step(action)
                steps += 1
                done = over or late or steps >= _BARE_STEPS
        return 1e6 * (process_time() - start_s) / steps


def _resident() -> int:
    """Bytes of memory that this process has; where the system does not tell, the most it had."""
    known = Path("/proc/self/statm")
    if known.exists():
        return int(known.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
