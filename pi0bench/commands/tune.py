"""`pi0bench tune`: learning rates by the same trials for every policy."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.argument_bounds import bounded
from pi0bench.errors import UsageError
from pi0bench.report.terminal_screen import console


def tune(
    policy: tyro.conf.Positional[tuple[str, ...]] = (),
    group: str | None = None,
    suite: str = "tabletop",
    episodes: int = 20,
    out: Path = Path("runs/trials"),
    data: Path = Path("data"),
    features: Path | None = None,
    workers: int | None = None,
    content: tuple[Path, ...] = (),
) -> int:
    """Try four pairs of learning rates for each policy; the same command continues.

    Each is trained for a quarter of its card's steps and judged by success on start states that
    are neither learned from nor evaluated on. No card is changed.

    Args:
        policy: Folders of policies/, each with a trunk and weights of its own.
        group: Every policy of a comparison group, such as heads, in place of names.
        suite: The tasks to judge by.
        episodes: Start states of each task.
        out: Gets trials.csv, the cards and weights of the trials, and two runs for each policy.
        data: Folder of what is learned from; what is missing there is made first.
        features: What is learned from, a file of features that an earlier training left in --data.
        workers: Processes; as many as there are cores when not given.
        content: Folders with policies, heads or tasks of your own.
    """
    from pi0bench.api import tuning
    from pi0bench.content.folders import add_folders
    from pi0bench.train.pipeline import members

    if not policy and group is None:
        raise UsageError("tune: name a folder of policies/, or a --group")
    add_folders(content)
    found = tuning.tune(
        [*policy, *(members(group) if group else ())],
        suite,
        episodes=bounded("--episodes", episodes),
        out=out,
        data=data,
        features=features,
        workers=workers,
        console=(said := console()),
    )
    for _, row in found[found["best"]].iterrows():
        said.print(
            f"{row['policy']}: lr = {row['lr']:g}, muon_lr = {row['muon_lr']:g} "
            f"({row['success']:.1%} of {row['n']}, error {row['error']:.4f})"
        )
    said.print(f"All trials: {out / tuning.TRIALS}", soft_wrap=True)
    return 0
