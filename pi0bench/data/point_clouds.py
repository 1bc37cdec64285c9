"""Clouds of the demonstrations' moments: what policies that see points learn from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from pi0bench.data.array_files import joined
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.parallel_parts import Made
from pi0bench.data.training_windows import encode_windows, windows
from pi0bench.data.worlds.tabletop import TabletopScenery, TabletopWorld
from pi0bench.envs.state_and_points import Cloud
from pi0bench.errors import UsageError


def encode(
    source: Path,
    count: int,
    out: Path,
    tasks: Collection[str],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write one file of what is seen, felt, said and done at the steps to learn from.

    A point keeps its colour for a whole episode. So the file holds, of `count` points, `xyz` of
    each window, (N, count, 3) in metres as halves, which are right to 0.25 mm on the table; `rgb`
    of each demonstration, (E, count, 3) bytes.

    Raises:
        UsageError: they were not demonstrated on the benchmark's own tasks.
    """
    if not isinstance(Recorded(source).world, TabletopWorld):
        raise UsageError(f"{source}: only the benchmark's own tasks can be seen as points")
    return encode_windows(source, out, _block, count, tasks, {}, workers, progress)


def _block(source: str, count: int, numbers: Sequence[int]) -> Made:
    """Demonstrations of these numbers."""
    lived, parts = Recorded(Path(source)), []
    for number in numbers:
        steps, known = windows(lived, number)
        scenery = lived.scenery(number)
        assert isinstance(scenery, TabletopScenery)
        start, *moments = [scenery.moment(lived.row(number, n)) for n in (0, *steps.tolist())]
        cloud = Cloud(start.scene, start.snapshot, count)
        points = [cloud.points(moment.snapshot)[:, :3] for moment in moments]
        colours = cloud.points(start.snapshot)[:, 3:]
        parts.append(
            {
                "xyz": np.array(points, np.float32).reshape(-1, count, 3).astype(np.float16),
                "rgb": np.round(255 * colours).astype(np.uint8)[None],
                **known,
            }
        )
    return joined(parts), {}
