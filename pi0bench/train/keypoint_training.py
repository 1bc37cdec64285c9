"""Training a keypoint encoder, the eyes of policies, on labelled scenes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn import functional

from pi0bench.data.training_arrays import Batch, Scenes
from pi0bench.policy import weights_file
from pi0bench.policy.card import read_keypoint_card
from pi0bench.policy.keypoint_encoder import KeypointEncoder
from pi0bench.policy.keypoints import Keypoints
from pi0bench.policy.policy_folders import EYES_CARD, WEIGHTS, folders, trainable
from pi0bench.policy.tool_frame import to_hand, to_tool
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.learning_curve import read_curve
from pi0bench.train.training_loop import Progress, fit
from pi0bench.train.weights_recipe import made_by, recipe


def fit_eyes(
    name: str, scenes: Sequence[Path], work: Path, progress: Progress = None, device: str = "cpu"
) -> Path:
    """Train eyes on labelled scenes, by their card; writes their weights and returns the file.

    Raises:
        UsageError: their folder is an installed package's.
    """
    folder = trainable(folders(EYES_CARD)[name])
    card, data = read_keypoint_card(folder), Scenes(scenes)
    keypoints, calibration = data.about["looks"], data.about["calibration"]
    with seeded(card.training.seed):
        encoder = KeypointEncoder(keypoints, calibration, card.eyes.width)
    encoder = encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    seen = data.first(-card.training.held_out)
    held_out = data.gather(np.arange(len(seen), len(data)))
    config = FitConfig.of(card.training, weights_file.digest(folder / EYES_CARD, *scenes))

    def loss(batch: Batch, generator: Generator) -> Tensor:
        return keypoint_loss(encoder, batch, generator)

    average = fit(encoder, loss, seen, config, work, progress, device)
    encoder.cpu().load_state_dict(average)
    about = {
        "keypoints": keypoints,
        "calibration": calibration,
        "errors_m": errors_m(encoder, held_out),
        "made_by": made_by(device),
        "recipe": recipe(folder / EYES_CARD, config.seed, scenes, read_curve(work)),
    }
    return weights_file.write(folder / WEIGHTS, average, about)


_EVEN = 10.0
"""Weight of what has no unit, lest it drown beside places, whose slopes in metres are steep."""


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give PyTorch's own constructors, which know no generator, a seed for a while."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251
        yield


def keypoint_loss(encoder: KeypointEncoder, batch: Batch, generator: Generator) -> Tensor:
    """Pixels, places, headings and presence; every picture's brightness and tint are jittered.

    Places are scored by the negative log-likelihood of a Laplace distribution whose scale the
    encoder says itself, so that it knows what it cannot see.
    """
    pictures = jitter(batch["images"], generator)
    seen = encoder({n: pictures[:, i] for i, n in enumerate(encoder.cameras)}, batch["proprio"])
    here = batch["present"].float()
    count = here.sum().clamp(min=1)
    truth, felt = batch["pos_m"], batch["proprio"]
    places = [
        (seen.pos_m, truth),
        (seen.from_tool_m, to_tool(truth, felt)),
        (seen.in_hand_m, to_hand(truth, felt)),
    ]
    errors = seen.log_error.split(1, dim=-1)
    told = (_laplace(*place, its) for place, its in zip(places, errors, strict=True))
    place = sum(((each * here).sum() / count for each in told), start=truth.new_zeros(()))
    framed = (batch["pixel"].abs().amax(-1) < 1).float() * here[..., None]
    miss = (seen.pixel - batch["pixel"]).abs().sum(-1)
    pixel = (miss * framed).sum() / framed.sum().clamp(min=1)
    there = functional.binary_cross_entropy_with_logits(seen.present, here)
    turned = batch["turn"].square().sum(-1)  # 1, or 0 for round things
    heading = ((seen.heading - batch["turn"]).square().sum(-1) * turned).sum() / turned.sum().clamp(
        min=1
    )
    return place + 4 * pixel + _EVEN * (there + heading)


def _laplace(guess: Tensor, truth: Tensor, log_error: Tensor) -> Tensor:
    scale = log_error.clamp(-7, 0)
    return ((guess - truth).abs() * torch.exp(-scale) + scale).mean(-1)


def jitter(images: Tensor, generator: Generator) -> Tensor:
    """Scale and shift each picture's channels a little, (B, C, P, P, 3) uint8 to uint8."""
    shape = (*images.shape[:2], 1, 1, 3)
    gain = 1 + 0.12 * torch.randn(shape, generator=generator).to(images.device)
    shift = 6 * torch.randn(shape, generator=generator).to(images.device)
    return (images.float() * gain + shift).clamp(0, 255).to(torch.uint8)


def errors_m(encoder: KeypointEncoder, batch: Batch) -> dict[str, tuple[float, float]]:
    """Median and 90th percentile of the error of the place that policies get, metres.

    Of each keypoint, over the scenes that have it.
    """
    with torch.inference_mode():
        names = enumerate(encoder.cameras)
        seen: Keypoints = encoder({n: batch["images"][:, i] for i, n in names}, batch["proprio"])
    place, _ = seen.place_from_tool(batch["proprio"])
    far = (place + batch["proprio"][:, None, :3] - batch["pos_m"]).norm(dim=-1)
    result = {}
    for i, keypoint in enumerate(encoder.keypoints):
        here = far[:, i][batch["present"][:, i]]
        if len(here):
            result[keypoint] = (float(here.median()), float(here.quantile(0.9)))
    return result
