"""`pi0bench demos`: demonstrations, recorded."""

from __future__ import annotations

from pathlib import Path

from pi0bench.content.folders import add_folders
from pi0bench.errors import UsageError, unknown
from pi0bench.machine.worker_count import processes
from pi0bench.report.terminal_screen import console


def demos(
    suite: tuple[str, ...] = ("tabletop",),
    episodes: int = 300,
    out: Path | None = None,
    seed: int = 0,
    workers: int | None = None,
    format: str = "pi0bench",
    side: int = 256,
    content: tuple[Path, ...] = (),
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
        content: Folders with content of your own: tasks, objects, variations, policies.
    """
    add_folders(content)
    from pi0bench.data.demonstration_files import dataset, demonstrations

    hands, screen = processes(workers), console()
    if format == "pi0bench":
        demonstrations(suite, episodes, out or Path("data/demos.npz"), seed, hands, screen)
    elif format == "lerobot":
        dataset(suite, episodes, out or Path("data/lerobot"), seed, hands, side, screen)
    else:
        raise UsageError(unknown("format", format, ("lerobot", "pi0bench")))
    return 0
