"""Demonstrations seen through trained eyes, once: what a group of policies learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi0bench.data import parallel_parts
from pi0bench.data.array_files import read, write
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.render.choose_renderer import made
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.policies.card import EYES_CARD, WEIGHTS, digest, load_eyes
from pi0bench.policies.card import read as read_card
from pi0bench.policies.policy_folders import folders
from pi0bench.random_streams import stream

STRIDE = 2
CHUNK = 16
_MIN_VALID = 4
_BLOCK = 100  # episodes a part


def chunks(
    actions: NDArray[np.float32], disturbed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """For each of T steps the next CHUNK actions, (T, CHUNK, 7), and which count, (T, CHUNK).

    An action counts until the first disturbance after the chunk's start, which nobody could
    foresee; the disturbed step's own clean action still does.
    """
    steps = len(actions)
    rows, valid = np.zeros((steps, CHUNK, 7), np.float32), np.zeros((steps, CHUNK), bool)
    for start in range(steps):
        stop = min(start + CHUNK, steps)
        rows[start, : stop - start] = actions[start:stop]
        pushes = np.flatnonzero(disturbed[start:stop])
        valid[start, : (pushes[0] + 1 if len(pushes) else stop - start)] = True
    return rows, valid


def windows(
    episode: dict[str, NDArray[Any]], number: int, stride: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
    """The steps of a demonstration to learn from, every `stride`th, (N,); and all its `chunks`."""
    targets, valid = chunks(episode["actions"], episode["disturbed"])
    chosen = np.flatnonzero(valid.sum(1) >= _MIN_VALID)
    return chosen[chosen % stride == number % stride], targets, valid


def encode(
    source: Path,
    eyes_name: str,
    out: Path,
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw every second step of the demonstrations, look at it, and write one features file.

    Each step is drawn by one of the world's renderers, chosen by chance, so that policies know all.
    """
    _, about = read(source)
    weights = folders(EYES_CARD)[eyes_name] / WEIGHTS
    about |= {
        "sentences": sorted({row["says"] for row in about["episodes"]}),
        "looks": load_eyes(eyes_name).looks,
        "eyes": digest(weights),
    }
    count = len(about["episodes"])
    jobs = [(str(source), eyes_name, n, min(n + _BLOCK, count)) for n in range(0, count, _BLOCK)]
    settings = {"eyes": about["eyes"], "demonstrations": digest(source)}
    folder = out.with_suffix(".parts")
    paths = parallel_parts.make(folder, _block, jobs, settings, workers=workers, progress=progress)
    loaded = [read(path)[0] for path in paths]
    return write(out, {k: np.concatenate([a[k] for a in loaded]) for k in loaded[0]}, about)


def _block(source: str, eyes_name: str, first: int, last: int) -> parallel_parts.Made:
    """Episodes number `first` to `last` of the demonstrations: what was seen, felt, said, done."""
    torch.set_num_threads(1)
    lived = Recorded(Path(source))
    eyes, home = load_eyes(eyes_name), folders(EYES_CARD)[eyes_name]
    side = int(read_card(home, EYES_CARD)["eyes"]["side"])
    sentences = sorted({row["says"] for row in lived.episodes})
    rows = []
    with made(lived.world.renderers) as renderers:
        for number in range(first, last):
            row, episode = lived.episodes[number], lived.episode(number)
            chosen, targets, valid = windows(episode, number, STRIDE)
            rng = stream("scene", lived.about["seed"], "features", number)
            pictures = _draw(lived, number, chosen, renderers, side, rng)
            seen = {name: torch.from_numpy(pictures[:, i]) for i, name in enumerate(CAMERAS)}
            with torch.inference_mode():
                features = eyes(seen, torch.from_numpy(episode["proprio"][chosen])).features()
            rows.append(
                {
                    # Half precision: below a millimetre, and a file that travels to a GPU.
                    "features": features.numpy().astype(np.float16),
                    "proprio": episode["proprio"][chosen],
                    "actions": targets[chosen],
                    "valid": valid[chosen],
                    "said": np.full(len(chosen), sentences.index(row["says"])),
                }
            )
    return {key: np.concatenate([row[key] for row in rows]) for key in rows[0]}, {}


def _draw(
    lived: Recorded,
    number: int,
    chosen: NDArray[np.int64],
    renderers: Sequence[Renderer | None],
    side: int,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Pictures of the chosen steps of a demonstration, (N, C, side, side, 3)."""
    pictures = np.empty((len(chosen), len(CAMERAS), side, side, 3), np.uint8)
    scenery = lived.scenery(number)
    for at, step in enumerate(chosen):
        moment = scenery.moment(lived.row(number, int(step)))
        seen = moment.images(renderers[int(rng.integers(len(renderers)))], side)
        pictures[at] = [seen[name] for name in CAMERAS]
    return pictures
