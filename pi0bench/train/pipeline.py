"""`pi0bench train`: from cards to weights; what is learned from is made first if it is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic

from rich.console import Console

from pi0bench.data.progress_bar import bar
from pi0bench.data.training_files import TrainingFiles, teacher_of
from pi0bench.errors import UsageError, unknown
from pi0bench.machine.process_pool import spawned_pool
from pi0bench.policy import weights_file
from pi0bench.policy.card import read, read_keypoint_card
from pi0bench.policy.policy_folders import EYES_CARD, folders, trainable
from pi0bench.training_names import training


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
    seeds: int = 1,
    snapshots: Path | None = None,
) -> None:
    """Train eyes or policies by their cards.

    Args:
        names: folders of policies/; eyes before the policies that need them.
        data: folder of what is learned from.
        workers: processes, each with one training, or threads where there is one training.
        console: told how far it has come.
        device: on "cuda" policies are trained side by side (see `cuda_graph_training`).
        features: the file that policies learn from, in place of their recording.
        seeds: trainings of each policy; all have their first before any has its second.
        snapshots: a content folder that gets policies as they were before the end (`Interim`).

    Raises:
        UsageError: no card has a name, or a name has nothing to be trained or is installed.
    """
    eyes, policies = folders(EYES_CARD), folders()
    for name in names:
        if name not in (known := {**eyes, **policies}):
            raise UsageError(unknown("card", name, known))
        trainable(known[name])
    sources = TrainingFiles(data, workers, console, device, features)
    for name in names:
        if name in eyes:
            _train_eyes(name, sources)
    own = [name for name in names if name in policies]
    taught = [name for name in own if teacher_of(name)]
    for group in ([name for name in own if name not in taught], taught):
        learned_from = {name: sources.learned_from(name) for name in group}
        trainings = {
            training(name, number): learned_from[name] for number in range(seeds) for name in group
        }
        if device != "cpu":
            _train_together(trainings, sources, snapshots)
        elif len(trainings) > 1 and workers > 1:
            _train_apart(trainings, sources, snapshots)
        else:
            for name, source in trainings.items():
                _train_here(name, source, sources, snapshots)


def _train_eyes(name: str, sources: TrainingFiles) -> None:
    import torch

    from pi0bench.train.keypoint_training import fit_eyes

    torch.set_num_threads(sources.workers)
    say, work = sources.console.print, sources.data / "training" / name
    scenes = sources.scenes(read_keypoint_card(folders(EYES_CARD)[name]))
    with bar(sources.console, name) as show:
        path = fit_eyes(name, scenes, work, show, sources.device)
    errors = weights_file.read(path)[1]["errors_m"]
    for keypoint, (median, p90) in errors.items():
        say(f"  {keypoint}: off by {1000 * median:.1f} mm (median), {1000 * p90:.1f} (p90)")
    say(f"{path}: written; its curve is {work / 'curve.csv'}")


def _train_here(name: str, source: Path, sources: TrainingFiles, snapshots: Path | None) -> None:
    """One training in this process, on as many threads as there are workers."""
    import torch

    from pi0bench.train.policy_training import fit_policy

    torch.set_num_threads(sources.workers)
    work = sources.data / "training" / name
    with bar(sources.console, name) as show:
        path = fit_policy(name, source, work, show, snapshots=snapshots)
    sources.console.print(f"{path}: written; its curve is {work / 'curve.csv'}")


def _train_apart(
    trainings: Mapping[str, Path], sources: TrainingFiles, snapshots: Path | None
) -> None:
    """Several trainings at once, each in a process and on a thread of its own.

    That takes less time than one after the other on several threads.
    """
    from pi0bench.train.policy_training import fit_policy

    began, count = monotonic(), len(trainings)
    with spawned_pool(sources.workers, _on_one_thread) as pool:
        fitted = partial(fit_policy, snapshots=snapshots)
        running = [
            pool.submit(fitted, name, source, sources.data / "training" / name)
            for name, source in trainings.items()
        ]
        try:
            for done, future in enumerate(as_completed(running), 1):
                left_s = (count - done) * (monotonic() - began) / done
                when = (datetime.now() + timedelta(seconds=left_s)).strftime("%a %H:%M")
                left = f"; {done} of {count}, the last at about {when}" if done < count else ""
                sources.console.print(f"{future.result()}: written{left}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _on_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _train_together(
    trainings: Mapping[str, Path], sources: TrainingFiles, snapshots: Path | None
) -> None:
    """Several trainings side by side on a GPU."""
    from pi0bench.train.policy_training import fit_policies

    say = sources.console.print
    for path in fit_policies(trainings, sources.device, say=say, snapshots=snapshots):
        say(f"{path}: written")
