"""What the harness itself takes: episodes of a world that costs nothing, onto a real disk."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from rich.console import Console

from pi0bench.envs.tabletop import PROPRIO_DIM, Verdict
from pi0bench.evaluate import episode, executors
from pi0bench.evaluate.bench.ledger import replaced
from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.measure import measure
from pi0bench.evaluate.worker import measures
from pi0bench.policies.baselines import Zero
from pi0bench.results.store import RunFolder
from pi0bench.tasks.load import task as load_task

EPISODES = 2000
EARLY = 200
"""Episodes after which memory is looked at first."""

_BATCH = 8
_MB = 2**20


@dataclass(frozen=True)
class Overhead:
    """What the harness takes where nothing else does.

    Attributes:
        episodes: carried out.
        steps: their control steps.
        processor_s: for all of it: loop, records, and both files onto the disk.
        grown_mb: memory after all of them less that after the first `EARLY`.
    """

    episodes: int
    steps: int
    processor_s: float
    grown_mb: float

    @property
    def step_us(self) -> float:
        """Processor microseconds of a control step."""
        return 1e6 * self.processor_s / self.steps


class Still:
    """A tabletop (see `pi0bench.envs.tabletop.Tabletop`) on which nothing is and nothing moves."""

    control_hz, max_steps = 20, 120
    succeeded = False
    verdict = Verdict()
    _proprio = np.zeros(PROPRIO_DIM, np.float32)

    def __init__(self, *_: Any, **__: Any) -> None:
        self.steps = 0

    def step(self, action: Any) -> Verdict:
        """Count."""
        self.steps += 1
        return self.verdict

    def proprio(self) -> Any:
        """Nothing felt, (10,)."""
        return self._proprio

    def close(self) -> None:
        """Do nothing."""


def overhead(episodes: int = EPISODES) -> Overhead:
    """Carry out that many episodes, in this process, by the one loop and the one store."""
    policy, task = Zero(), load_task("reach_cube")
    settings = Settings((policy.name,), (task.id,), renderer="tiny", episodes=episodes)
    cells = expand(settings, {policy.name: policy.traits}, [task])
    jobs = measures(cells, _BATCH, workers=1)
    early = max(1, min(EARLY, episodes // 2) // len(jobs[0].cells))
    with (
        tempfile.TemporaryDirectory() as out,
        replaced(episode, "Tabletop", Still),
        closing(executors.make(1, {policy.name: policy})) as executor,
        RunFolder.open(Path(out), {}, cells) as folder,
    ):
        start_s = process_time()
        measure(jobs[:early], executor, folder, Console(quiet=True))
        before = _resident()
        measure(jobs[early:], executor, folder, Console(quiet=True))
        took_s, grown = process_time() - start_s, _resident() - before
        return Overhead(episodes, _steps(folder), took_s, grown / _MB)


def _steps(folder: RunFolder) -> int:
    return sum(record.length for record in folder.records())


def _resident() -> int:
    """Bytes of memory that this process has; where the system does not tell, the most it had."""
    known = Path("/proc/self/statm")
    if known.exists():
        return int(known.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
