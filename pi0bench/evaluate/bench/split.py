"""Where the processor time of a run goes: one process, watched from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from time import process_time

from rich.console import Console

from pi0bench.envs.controller import Controller
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.evaluate import executors, lock_step
from pi0bench.evaluate.bench.ledger import Ledger, Place
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.episode_loop import TIMED_EVERY
from pi0bench.evaluate.measure import measure
from pi0bench.evaluate.plan_timing import Stopwatch, Watched
from pi0bench.evaluate.rollout import Rollout
from pi0bench.policy.policy_protocol import Policy
from pi0bench.records.record import Cell, Record
from pi0bench.records.run_folder import RunFolder
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_spec import TaskSpec

SHARES: Mapping[str, Mapping[str, str]] = {
    "simulation": {
        "engine": "physics steps",
        "controller": "actions to joint targets",
        "judge": "goals and stages",
    },
    "rendering": {"frames": "drawing", "pictures": "placing what is drawn"},
    "policy": {
        "plans": "plans that are carried out",
        "filling": "rows that only fill a batch",
        "latency": "first plans again, alone, for ms/re-plan",
    },
    "harness": {"worlds": "building worlds", "store": "records onto the disk", "loop": "the rest"},
}
"""What each share of a run consists of, and in words."""


@dataclass(frozen=True)
class Split:
    """What a run in one process took.

    Attributes:
        records: of its episodes.
        spent_s: processor seconds by account, as in `SHARES`.
    """

    records: Sequence[Record]
    spent_s: Mapping[str, float]

    def __add__(self, other: Split) -> Split:
        spent_s = {name: took_s + other.spent_s[name] for name, took_s in self.spent_s.items()}
        return Split([*self.records, *other.records], spent_s)

    @property
    def total_s(self) -> float:
        """All processor seconds."""
        return sum(self.spent_s.values())

    def share_s(self, name: str) -> float:
        """Processor seconds of one of `SHARES`."""
        return sum(self.spent_s[account] for account in SHARES[name])


def split(
    cells: Sequence[Cell],
    jobs: Sequence[Measure],
    policy: Policy,
    task: TaskSpec,
    renderer: Renderer | None,
) -> Split:
    """Carry the jobs out in this process, onto the disk, and book where the time goes.

    Args:
        cells: of all jobs.
        jobs: of one policy and task.
        policy: theirs.
        task: theirs.
        renderer: of the kind that draws for them; None when the policy sees nothing.
    """
    ledger, rows = Ledger(), list[int]()

    def count(batch: int) -> AbstractContextManager[None]:
        rows.append(batch)
        return nullcontext()

    counted = Watched(policy, count)
    with (
        tempfile.TemporaryDirectory() as out,
        closing(executors.Inline({cells[0].policy: counted})) as executor,
    ):
        # What is only loaded once costs a longer run nothing.
        list(executor.run(jobs[:1]))
        rows.clear()
        with (
            RunFolder.open(out, {}, cells) as folder,
            ledger.watching(_places(cells[0], task, counted, renderer), whole=("latency",)),
        ):
            start_s = process_time()
            measure(jobs, executor, folder, Console(quiet=True))
            total_s = process_time() - start_s
            records = folder.records()
    spent_s = {account: ledger.spent_s[account] for of in SHARES.values() for account in of}
    spent_s["loop"] = total_s - sum(spent_s.values())
    # Some first plans are timed alone, one row each that no episode needs.
    timed = sum(record.cell.episode % TIMED_EVERY == 0 for record in records)
    unused = 1 - sum(record.replans for record in records) / (sum(rows) - timed)
    spent_s["filling"] = unused * spent_s["plans"]
    spent_s["plans"] -= spent_s["filling"]
    return Split(records, spent_s)


def _places(
    cell: Cell, task: TaskSpec, policy: Policy, renderer: Renderer | None
) -> dict[Place, str]:
    """What is watched, and to which account it goes."""
    rollout = Rollout(cell, task)
    env = rollout.env
    assert isinstance(env, Tabletop)
    world = type(env.world)
    rollout.close()
    places: dict[Place, str] = {
        (world, "step"): "engine",
        (lock_step, "aim"): "controller",
        (Controller, "act"): "controller",
        (Tabletop, "step"): "judge",
        (Tabletop, "images"): "pictures",
        (Tabletop, "__init__"): "worlds",
        (type(policy), "plan"): "plans",
        (Stopwatch, "times"): "latency",
        (RunFolder, "append"): "store",
    }
    return places if renderer is None else {**places, (type(renderer), "draw"): "frames"}
