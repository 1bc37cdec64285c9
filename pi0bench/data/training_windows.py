"""Windows of demonstrations: steps to learn from, and the chunks of actions that follow them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.data import parallel_parts
from pi0bench.data.array_files import Arrays, joined, read, write
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.policy.card_tables import CHUNK_S
from pi0bench.policy.weights_file import digest

STRIDE_S = 0.2
"""From a step of a demonstration that is learned from to the next."""
_MIN_VALID_S = 0.2
_BLOCK = 100  # episodes a part


def chunks(
    actions: NDArray[np.float32], disturbed: NDArray[np.bool_], length: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For each of T steps the next `length` actions, (T, H, 7), and which count, (T, H).

    An action counts until the first disturbance after the chunk's start, which nobody could
    foresee; the disturbed step's own clean action still does.
    """
    steps = len(actions)
    rows, valid = np.zeros((steps, length, 7), np.float32), np.zeros((steps, length), bool)
    for start in range(steps):
        stop = min(start + length, steps)
        rows[start, : stop - start] = actions[start:stop]
        pushes = np.flatnonzero(disturbed[start:stop])
        valid[start, : (pushes[0] + 1 if len(pushes) else stop - start)] = True
    return rows, valid


def windows(lived: Recorded, number: int) -> tuple[NDArray[np.int64], Arrays]:
    """The steps of a demonstration to learn from, one every `STRIDE_S`, (N,), and what they are.

    That is proprio, (N, 13); actions and valid (see `chunks`); `said`, (N,), which of the
    sentences was; and `episode`, (N,), the demonstration's number.
    """
    episode, said = lived.episode(number), lived.sentences.index(lived.episodes[number]["says"])
    stride, length, least = (
        round(time_s * lived.control_hz) for time_s in (STRIDE_S, CHUNK_S, _MIN_VALID_S)
    )
    actions, valid = chunks(episode["actions"], episode["disturbed"], length)
    steps = np.flatnonzero(valid.sum(1) >= least)
    steps = steps[steps % stride == number % stride]
    rows = {"proprio": episode["proprio"], "actions": actions, "valid": valid}
    same = {"said": np.full(len(steps), said), "episode": np.full(len(steps), number)}
    return steps, {**{key: x[steps] for key, x in rows.items()}, **same}


def encode_windows(
    source: Path,
    out: Path,
    work: Callable[..., parallel_parts.Made],
    how: str | int,
    tasks: Collection[str],
    about: Mapping[str, Any],
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> Path:
    """Write what `work(source, how, numbers)` makes of these tasks' demonstrations, some at a time.

    The file says of itself what the demonstrations say, of these tasks alone, and `about`, which
    decides the result too.
    See `parallel_parts.make` for the rest.
    """
    lived = Recorded(source)
    chosen = [n for n, row in enumerate(lived.episodes) if row["task"] in tasks]
    jobs = [(str(source), how, chosen[n : n + _BLOCK]) for n in range(0, len(chosen), _BLOCK)]
    known = {**about, "demonstrations": digest(source), "tasks": sorted(tasks)}
    folder = out.with_suffix(".parts")
    paths = parallel_parts.make(folder, work, jobs, known, workers=workers, progress=progress)
    arrays = joined([read(path)[0] for path in paths])
    arrays["episode"] = np.searchsorted(chosen, arrays["episode"])
    hashes = {name: lived.about["tasks"][name] for name in sorted(tasks)}
    episodes = [lived.episodes[n] for n in chosen]
    said = {"sentences": lived.sentences, "tasks": hashes, "episodes": episodes}
    return write(out, arrays, {**lived.about, **said, **about})
