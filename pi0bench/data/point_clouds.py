"""Clouds of the demonstrations' moments: what policies that see points learn from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from pi0bench.data import parallel_parts
from pi0bench.data.array_files import read, write
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.keypoint_features import windows
from pi0bench.data.worlds.tabletop import TabletopScenery, TabletopWorld
from pi0bench.envs.state_and_points import Cloud
from pi0bench.errors import UsageError
from pi0bench.policies.weights_file import digest

STRIDE = 4
_BLOCK = 100  # episodes a part


def encode(
    source: Path,
    count: int,
    out: Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write one file of what is seen, felt, said and done at every fourth step.

    A point keeps its colour for a whole episode. So the file holds, of `count` points, `xyz` of
    each window, (N, count, 3) in metres as halves, which are right to 0.25 mm on the table; `rgb`
    of each episode, (E, count, 3) bytes; and which `episode` a window is of, (N,).

    Raises:
        UsageError: they were not demonstrated on the benchmark's own tasks.
    """
    lived = Recorded(source)
    if not isinstance(lived.world, TabletopWorld):
        raise UsageError(f"{source}: only the benchmark's own tasks can be seen as points")
    sentences = sorted({row["says"] for row in lived.episodes})
    total = len(lived.episodes)
    jobs = [(str(source), count, n, min(n + _BLOCK, total)) for n in range(0, total, _BLOCK)]
    settings = {"demonstrations": digest(source), "stride": STRIDE}
    folder = out.with_suffix(".parts")
    paths = parallel_parts.make(folder, _block, jobs, settings, workers=workers, progress=progress)
    loaded = [read(path)[0] for path in paths]
    arrays = {key: np.concatenate([a[key] for a in loaded]) for key in loaded[0]}
    return write(out, arrays, {**lived.about, "sentences": sentences})


def _block(source: str, count: int, first: int, last: int) -> parallel_parts.Made:
    """Episodes number `first` to `last` of the demonstrations."""
    lived = Recorded(Path(source))
    sentences = sorted({row["says"] for row in lived.episodes})
    rows = []
    for number in range(first, last):
        row, episode = lived.episodes[number], lived.episode(number)
        chosen, targets, valid = windows(episode, number, STRIDE)
        scenery = lived.scenery(number)
        assert isinstance(scenery, TabletopScenery)
        start, *moments = [scenery.moment(lived.row(number, n)) for n in (0, *chosen.tolist())]
        cloud = Cloud(start.scene, start.snapshot, count)
        points = [cloud.points(moment.snapshot) for moment in moments]
        seen = np.array(points, np.float32).reshape(len(chosen), count, 6)
        colours = cloud.points(start.snapshot)[:, 3:]
        rows.append(
            {
                "xyz": seen[..., :3].astype(np.float16),
                "rgb": np.round(255 * colours).astype(np.uint8)[None],
                "episode": np.full(len(chosen), number),
                "proprio": episode["proprio"][chosen],
                "actions": targets[chosen],
                "valid": valid[chosen],
                "said": np.full(len(chosen), sentences.index(row["says"])),
            }
        )
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}, {}
