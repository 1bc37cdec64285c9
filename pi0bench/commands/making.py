"""Commands that make what is measured with, and what is looked at."""

from __future__ import annotations

from pathlib import Path

import tyro

from pi0bench.commands.console import console
from pi0bench.errors import UsageError, unknown
from pi0bench.machine.worker_count import processes


def demos(
    suite: tuple[str, ...] = ("tabletop",),
    episodes: int = 300,
    out: Path | None = None,
    seed: int = 0,
    workers: int | None = None,
    format: str = "pi0bench",
    side: int = 256,
) -> int:
    """Record the expert's demonstrations into one file. The same command continues.

    Args:
        suite: The suites to demonstrate; robosuite by itself.
        episodes: Start states of each task.
        out: The file, data/demos.npz when not given: states and clean actions, no pictures. A
            folder, data/lerobot when not given, for --format lerobot.
        seed: Of start states and disturbances; no evaluation can draw the same ones.
        workers: Processes; as many as there are cores when not given. Changes no result.
        format: pi0bench, what `pi0bench train` learns from; or lerobot, undisturbed demonstrations
            with pictures as a LeRobotDataset v3, for other tools (needs pi0bench[lerobot]).
        side: Of lerobot's pictures, in pixels.
    """
    from pi0bench.data.record_demonstrations import dataset, demonstrations

    hands, screen = processes(workers), console()
    if format == "pi0bench":
        demonstrations(suite, episodes, out or Path("data/demos.npz"), seed, hands, screen)
    elif format == "lerobot":
        dataset(suite, episodes, out or Path("data/lerobot"), seed, hands, side, screen)
    else:
        raise UsageError(unknown("format", format, ("lerobot", "pi0bench")))
    return 0


def train(
    name: tyro.conf.Positional[tuple[str, ...]] = (),
    group: str | None = None,
    data: Path = Path("data"),
    workers: int | None = None,
    device: str = "cpu",
    features: Path | None = None,
    content: tuple[Path, ...] = (),
) -> int:
    """Train eyes or a policy by its card in policies/; killed and run again, it continues.

    On a GPU several policies are trained side by side, and not continued.

    Args:
        name: Folders of policies/, such as eyes or pi0.
        group: Every policy of a comparison group, such as heads, in place of names.
        data: Folder of what is learned from; what is missing there is made first.
        workers: Processes and threads; as many as there are cores when not given.
        device: cpu or cuda.
        features: What policies learn from, a file of features that an earlier training left in
            --data. Needs no simulator.
        content: Folders with policies and heads of your own, policies/NAME/policy.toml and
            heads/NAME.py; weights are written beside their cards.
    """
    from pi0bench.content.folders import add_folders
    from pi0bench.train import pipeline

    add_folders(content)
    if not name and group is None:
        raise UsageError("train: name a folder of policies/, or a --group")
    names, hands = (*name, *(pipeline.members(group) if group else ())), processes(workers)
    pipeline.train(names, data, hands, console(), device, features)
    return 0


def gallery(
    suite: str | None = None, task: tuple[str, ...] = (), out: Path = Path("gallery.png")
) -> int:
    """Draw every task: start, middle and end of the expert's episode in both engines.

    Args:
        suite: The tasks to draw; all of the benchmark's when not given.
        task: Single tasks, in place of a suite.
        out: The picture, a PNG file.
    """
    from pi0bench.evaluate.task_gallery import gallery as draw
    from pi0bench.tasks import task_files

    tasks = task_files.suite(suite) if suite else tuple(map(task_files.task, task_files.task_ids()))
    chosen = tuple(map(task_files.task, task)) or tasks
    screen = console()
    draw(chosen, out, say=lambda line: screen.print(line, markup=False, soft_wrap=True))
    return 0


def toy(out: Path = Path("runs/toy"), seed: int = 0, workers: int | None = None) -> int:
    """Every way of sampling on a problem to look at: two-dimensional navigation past a wall.

    Args:
        out: Folder for the table and the two pictures.
        seed: Of everything random.
        workers: Processes; as many as there are cores when not given. Changes no result.
    """
    from pi0bench.toy.recipes import Settings
    from pi0bench.toy.run import run as play

    play(out, Settings(seed=seed), processes(workers), console())
    return 0
