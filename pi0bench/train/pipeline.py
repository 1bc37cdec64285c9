"""`pi0bench train`: from cards to weights; what is learned from is made first if it is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from pi0bench.data.progress_bar import bar
from pi0bench.data.training_files import TrainingFiles, teacher_of
from pi0bench.errors import UsageError, unknown
from pi0bench.policy import weights_file
from pi0bench.policy.card import read, read_keypoint_card
from pi0bench.policy.policy_folders import EYES_CARD, folders, trainable


def members(group: str) -> list[str]:
    """The policies of a comparison group that have weights of their own, teachers first.

    Raises:
        UsageError: no card says that it belongs to the group.
    """
    found = {name: read(folder) for name, folder in folders().items()}
    groups = {card.group for card in found.values() if card.group}
    if group not in groups:
        raise UsageError(unknown("group", group, groups))
    own = [n for n, c in found.items() if c.group == group and not c.same_as]
    return sorted(own, key=lambda name: ("teacher" in found[name].head, name))


def train(
    names: Sequence[str],
    data: Path,
    workers: int,
    console: Console,
    device: str = "cpu",
    features: Path | None = None,
) -> None:
    """Train eyes or policies by their cards.

    Args:
        names: folders of policies/; eyes and teachers before those that need them.
        data: folder of what is learned from.
        workers: processes and threads.
        console: told how far it has come.
        device: on "cuda" policies are trained side by side (see `cuda_graph_training`).
        features: the file that policies learn from, in place of their recording.

    Raises:
        UsageError: no card has a name, or a name has nothing to be trained or is installed.
    """
    import torch

    eyes, policies = folders(EYES_CARD), folders()
    for name in names:
        if name not in (known := {**eyes, **policies}):
            raise UsageError(unknown("card", name, known))
        trainable(known[name])
    sources = TrainingFiles(data, workers, console, device, features)
    if device == "cpu":
        torch.set_num_threads(workers)
    for name in names:
        if name in eyes:
            _train_eyes(name, sources)
        elif device == "cpu":
            _train_policy(name, sources)
    if device != "cpu":
        own = [name for name in names if name in policies]
        taught = [name for name in own if teacher_of(name)]
        for group in ([name for name in own if name not in taught], taught):
            _train_together(group, sources)


def _train_eyes(name: str, sources: TrainingFiles) -> None:
    from pi0bench.train.keypoint_training import fit_eyes

    say, work = sources.console.print, sources.data / "training" / name
    scenes = sources.scenes(read_keypoint_card(folders(EYES_CARD)[name]))
    with bar(sources.console, name) as show:
        path = fit_eyes(name, scenes, work, show, sources.device)
    errors = weights_file.read(path)[1]["errors_m"]
    for keypoint, (median, p90) in errors.items():
        say(f"  {keypoint}: off by {1000 * median:.1f} mm (median), {1000 * p90:.1f} (p90)")
    say(f"{path}: written; its curve is {work / 'curve.csv'}")


def _train_policy(name: str, sources: TrainingFiles) -> None:
    from pi0bench.train.policy_training import fit_policy

    work, source = sources.data / "training" / name, sources.learned_from(name)
    with bar(sources.console, name) as show:
        path = fit_policy(name, source, work, show, sources.device)
    sources.console.print(f"{path}: written; its curve is {work / 'curve.csv'}")


def _train_together(names: Sequence[str], sources: TrainingFiles) -> None:
    from pi0bench.train.policy_training import fit_policies

    learned_from = {name: sources.learned_from(name) for name in names}
    for path in fit_policies(learned_from, sources.device, say=sources.console.print):
        sources.console.print(f"{path}: written")
