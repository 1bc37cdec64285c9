"""`pi0bench train`: from cards to weights."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.argument_bounds import bounded
from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError
from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_screen import console


def train(
    name: tyro.conf.Positional[tuple[str, ...]] = (),
    group: str | None = None,
    seeds: int = 1,
    data: Path = Path("data"),
    workers: int | None = None,
    device: str = "cpu",
    features: Path | None = None,
    content: tuple[Path, ...] = (),
    snapshots: Path | None = None,
) -> int:
    """Train eyes or a policy by its card in policies/; killed and run again, it continues.

    On a GPU several policies are trained side by side, and not continued.

    Args:
        name: Folders of policies/, such as eyes or pi0.
        group: Every policy of a comparison group, such as heads, in place of names.
        seeds: Trainings of each policy, NAME, NAME@1 and so on, which differ in the seed alone.
        data: Folder of what is learned from; what is missing there is made first.
        workers: Processes, each with one training, or threads where there is one training; as
            many as there are cores when not given.
        device: cpu or cuda.
        features: What policies learn from, a file of features that an earlier training left in
            --data. Needs no simulator.
        content: Folders with policies and heads of your own, policies/NAME/policy.toml and
            heads/NAME.py; weights are written beside their cards.
        snapshots: Folder that gets each policy as it is after an eighth, a quarter and half of its
            steps, as NAME_at_STEP, for run --content: whether it learns on, and how fast.
    """
    from pi0bench.train import pipeline

    add_folders(content)
    if not name and group is None:
        raise UsageError("train: name a folder of policies/, or a --group")
    names, hands = (*name, *(pipeline.members(group) if group else ())), processes(workers)
    how = data, hands, console(), device, features, bounded("--seeds", seeds), snapshots
    pipeline.train(names, *how)
    return 0
