"""Demonstrations as a LeRobotDataset v3, for fine-tuning with other tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.data import array_files, parallel_parts
from pi0bench.data import lerobot_layout as layout
from pi0bench.data.dataset_statistics import of_numbers, of_pictures
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.lerobot_videos import FPS, film, sampled
from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.errors import UsageError
from pi0bench.version import version

_MADE = Path("meta", "pi0bench.json")
_NOTHING = 1e-3
"""An action's number that never exceeds this moves the tool by less than 0.03 mm or 0.15 mrad a
step: it is the rest of an inverse kinematics, which normalising would blow up to full size."""

Progress = Callable[[int, int], object]


def export(
    source: Path,
    out: Path,
    renderer: Renderer | None,
    side: int,
    progress: Progress = lambda *_: None,
) -> Path:
    """Write a file of demonstrations (see `demonstrations.py`) as a dataset, or continue.

    It grows in a folder beside it, `out`.parts, and is moved to its place when it is whole.

    Args:
        source: the demonstrations.
        out: the dataset's folder, which must not exist yet or be this very dataset.
        renderer: draws every step by both cameras; None in worlds that draw by themselves.
        side: of the pictures, pixels; even.
        progress: told how many episodes of how many are drawn.

    Raises:
        UsageError: something else is there, the side is odd, or pyarrow is not installed.
        StorageError: ffmpeg cannot write.
    """
    check(out, side)
    lived = Recorded(source)
    made = {
        **{key: value for key, value in lived.about.items() if key != "episodes"},
        "side": side,
        "renderer": renderer.name if renderer else "the world's own",
        "version": version(),
    }
    if out.exists():
        if (found := _made(out)) != made:
            other = ", ".join(sorted(key for key in made if found.get(key) != made[key]))
            raise UsageError(f"{out}: exists already, made otherwise ({other}); name another --out")
        return out
    work = parallel_parts.place(out.with_name(f"{out.name}.parts"), made)
    growing = work / "dataset"
    counts = _draw(lived, growing, work, renderer, side, progress)
    _write(growing, lived, counts, side)
    (growing / _MADE).write_text(json.dumps(made, indent=4) + "\n", "utf-8")
    growing.rename(out)
    return out


def check(out: Path, side: int) -> None:
    """See that a dataset can be written there, or was.

    Raises:
        UsageError: something else is there, the side is odd, or pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise UsageError('--format lerobot: needs pyarrow; pip install "pi0bench[lerobot]"')
    if side % 2 or not 16 <= side <= 640:
        raise UsageError(f"--side: {side} will not do; give an even number from 16 to 640")
    if out.exists() and _made(out).get("side") != side:
        raise UsageError(f"{out}: exists already; name another --out")


def _made(out: Path) -> dict[str, Any]:
    """What a finished dataset of ours was made from; nothing for anything else."""
    try:
        found = json.loads((out / _MADE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _draw(
    lived: Recorded,
    out: Path,
    work: Path,
    renderer: Renderer | None,
    side: int,
    progress: Progress,
) -> dict[str, NDArray[np.int64]]:
    """Write each camera's videos that are not there yet; their levels, (E, 3, 256) each."""
    total, found = len(lived.episodes), dict[str, list[NDArray[np.int64]]]()
    for at, camera in enumerate(CAMERAS):

        def told(number: int, at: int = at) -> None:
            progress(at * total + number + 1, len(CAMERAS) * total)

        for start in range(0, total, layout.BLOCK):
            path = out / layout.video(camera, start)
            noted = work / f"{camera}-{start}.npz"
            if not (path.exists() and noted.exists()):
                numbers = range(start, min(start + layout.BLOCK, total))
                counts = film(path, lived, numbers, camera, renderer, side, told)
                array_files.write(noted, {"levels": counts}, {})
            found.setdefault(layout.key(camera), []).append(array_files.read(noted)[0]["levels"])
    return {key: np.concatenate(blocks) for key, blocks in found.items()}


def _executable(actions: NDArray[np.floating]) -> NDArray[np.float32]:
    """Actions as they are carried out, (N, 7), without numbers that move nothing."""
    legal = np.clip(actions, -1, 1).astype(np.float32)
    legal[:, np.abs(legal).max(axis=0) < _NOTHING] = 0
    return legal


def _write(out: Path, lived: Recorded, counts: Mapping[str, NDArray[np.int64]], side: int) -> None:
    """Everything but the videos."""
    import pandas

    lengths = np.array([row["steps"] for row in lived.episodes])
    starts = [0, *np.cumsum(lengths).tolist()]
    sentences = lived.sentences
    said = np.array([sentences.index(row["says"]) for row in lived.episodes])
    frame = np.concatenate([np.arange(length) for length in lengths])
    numbers = {
        "observation.state": lived.arrays["proprio"].astype(np.float32),
        "action": _executable(lived.arrays["actions"]),
        "timestamp": (frame / FPS).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.repeat(np.arange(len(lengths)), lengths),
        "index": np.arange(starts[-1]),
        "task_index": np.repeat(said, lengths),
    }
    columns = {key: list(rows) if rows.ndim > 1 else rows for key, rows in numbers.items()}
    _parquet(pandas.DataFrame(columns), out / layout.DATA, index=False)
    tasks = pandas.DataFrame({"task_index": range(len(sentences))}, index=sentences)
    _parquet(tasks, out / layout.TASKS, index=True)
    pictures = sampled(lengths).tolist()
    stats = _statistics(numbers, counts, sum(pictures))
    rows = []
    for number, row in enumerate(lived.episodes):
        steps = slice(starts[number], starts[number + 1])
        felt = {key: values[steps] for key, values in numbers.items()}
        seen = {key: values[number : number + 1] for key, values in counts.items()}
        own = _statistics(felt, seen, pictures[number])
        flat = {f"stats/{key}/{k}": v for key, found in own.items() for k, v in found.items()}
        rows.append({**layout.place(number, starts), "tasks": [row["says"]], **flat})
    _parquet(pandas.DataFrame(rows), out / layout.EPISODES, index=False)
    info = layout.info(len(lengths), starts[-1], len(sentences), side)
    (out / layout.INFO).write_text(json.dumps(info, indent=4) + "\n", "utf-8")
    (out / layout.STATS).write_text(json.dumps(stats, indent=4) + "\n", "utf-8")


def _statistics(
    numbers: Mapping[str, NDArray[Any]], counts: Mapping[str, NDArray[np.int64]], pictures: int
) -> dict[str, Any]:
    """Of every feature: of numbers, (N,) or (N, D), and of levels by episode, (E, 3, 256)."""
    felt = {key: of_numbers(rows.reshape(len(rows), -1)) for key, rows in numbers.items()}
    return felt | {key: of_pictures(n.sum(axis=0), pictures) for key, n in counts.items()}


def _parquet(table: Any, path: Path, index: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=index)
