"""Demonstrations seen through trained eyes, once: what a group of policies learns from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pi0bench.data.array_files import joined
from pi0bench.data.demonstration_reader import Recorded
from pi0bench.data.parallel_parts import Made
from pi0bench.data.training_windows import encode_windows, windows
from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.render.choose_renderer import made
from pi0bench.envs.render.renderer_protocol import Renderer
from pi0bench.policy.card import read_keypoint_card
from pi0bench.policy.card_tables import MOTION_S
from pi0bench.policy.network_loader import load_keypoint_encoder
from pi0bench.policy.policy_folders import EYES_CARD, WEIGHTS, folders
from pi0bench.policy.weights_file import digest
from pi0bench.random_streams import stream


def encode(
    source: Path,
    eyes_name: str,
    out: Path,
    tasks: Collection[str],
    *,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw the steps to learn from of tasks' demonstrations, look, and write one features file.

    Each demonstration is drawn by one of the world's renderers, chosen by chance, so that policies
    know all. Features tell how each keypoint has moved since a look `MOTION_S` earlier.
    """
    weights = digest(folders(EYES_CARD)[eyes_name] / WEIGHTS)
    about = {"looks": load_keypoint_encoder(eyes_name).keypoints, "eyes": weights}
    return encode_windows(source, out, _block, eyes_name, tasks, about, workers, progress)


def _block(source: str, eyes_name: str, numbers: Sequence[int]) -> Made:
    """Demonstrations of these numbers."""
    torch.set_num_threads(1)
    lived, eyes = Recorded(Path(source)), load_keypoint_encoder(eyes_name)
    side = read_keypoint_card(folders(EYES_CARD)[eyes_name]).eyes.side
    parts = []
    with made(lived.world.renderers) as renderers:
        for number in numbers:
            steps, known = windows(lived, number)
            rng = stream("scene", lived.about["seed"], "features", number)
            renderer = renderers[int(rng.integers(len(renderers)))]
            earlier = np.maximum(steps - round(MOTION_S * lived.control_hz), 0)
            looks = np.union1d(steps, earlier)
            pictures = _draw(lived, number, looks, renderer, side)
            seen = {name: torch.from_numpy(pictures[:, i]) for i, name in enumerate(CAMERAS)}
            with torch.inference_mode():
                found = eyes(seen, torch.from_numpy(lived.episode(number)["proprio"][looks]))
            now = found.rows(np.searchsorted(looks, steps))
            before = found.rows(np.searchsorted(looks, earlier))
            here = now.features(torch.from_numpy(known["proprio"]))
            features = torch.cat([here, now.moved(before)], dim=-1)
            # Half precision: below a millimetre, and a file that travels to a GPU.
            parts.append({"features": features.numpy().astype(np.float16), **known})
    return joined(parts), {}


def _draw(
    lived: Recorded,
    number: int,
    chosen: NDArray[np.int64],
    renderer: Renderer | None,
    side: int,
) -> NDArray[np.uint8]:
    """Pictures of the chosen steps of a demonstration, (N, C, side, side, 3)."""
    pictures = np.empty((len(chosen), len(CAMERAS), side, side, 3), np.uint8)
    scenery = lived.scenery(number)
    for at, step in enumerate(chosen):
        moment = scenery.moment(lived.row(number, int(step)))
        seen = moment.images(renderer, side)
        pictures[at] = [seen[name] for name in CAMERAS]
    return pictures
