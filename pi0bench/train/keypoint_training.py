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
from pi0bench.policies import card as cards
from pi0bench.policies.keypoint_encoder import Eyes, Seen, to_tool
from pi0bench.policies.policy_folders import EYES_CARD, WEIGHTS, folders, trainable
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.learning_curve import read_curve
from pi0bench.train.training_loop import Progress, fit
from pi0bench.train.weights_file import made_by, recipe, write_weights


def fit_eyes(
    name: str, scenes: Sequence[Path], work: Path, progress: Progress = None, device: str = "cpu"
) -> Path:
    """Train eyes on labelled scenes, by their card; writes their weights and returns the file.

    Raises:
        UsageError: their folder is an installed package's.
    """
    folder = trainable(folders(EYES_CARD)[name])
    card = cards.read(folder, EYES_CARD)
    training, data = card["training"], Scenes(scenes)
    with seeded(training["seed"]):
        eyes = Eyes(data.about["looks"], data.about["calibration"], card["eyes"]["width"])
    eyes = eyes.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    seen = data.first(-training["held_out"])
    held_out = data.gather(np.arange(len(seen), len(data)))
    config = FitConfig.of(training, cards.digest(folder / EYES_CARD, *scenes))
    average = fit(
        eyes, lambda b, g: keypoint_loss(eyes, b, g), seen, config, work, progress, device
    )
    eyes.cpu().load_state_dict(average)
    about = {
        "looks": data.about["looks"],
        "calibration": data.about["calibration"],
        "errors_m": errors_m(eyes, held_out),
        "made_by": made_by(device),
        "recipe": recipe(folder / EYES_CARD, config.seed, scenes, read_curve(work)),
    }
    return write_weights(folder / WEIGHTS, average, about)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give PyTorch's own constructors, which know no generator, a seed for a while."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251
        yield


def keypoint_loss(eyes: Eyes, batch: Batch, generator: Generator) -> Tensor:
    """Pixels, places, headings and presence; every picture's brightness and tint are jittered.

    Places are scored by the negative log-likelihood of a Laplace distribution whose scale the
    eyes say themselves, so that they know what they cannot see.
    """
    pictures = jitter(batch["images"], generator)
    seen = eyes({n: pictures[:, i] for i, n in enumerate(eyes.cameras)}, batch["proprio"])
    here = batch["present"].float()
    count = here.sum().clamp(min=1)
    place = (_laplace(seen.pos_m, batch["pos_m"], seen.log_error[..., :1]) * here).sum() / count
    near = to_tool(batch["pos_m"], batch["proprio"])
    close = (_laplace(seen.from_tool_m, near, seen.log_error[..., 1:]) * here).sum() / count
    framed = (batch["pixel"].abs().amax(-1) < 1).float() * here[..., None]
    miss = (seen.pixel - batch["pixel"]).abs().sum(-1)
    pixel = (miss * framed).sum() / framed.sum().clamp(min=1)
    there = functional.binary_cross_entropy_with_logits(seen.present, here)
    turn = ((seen.turn - batch["turn"]).square().sum(-1) * here).sum() / count
    return place + close + 4 * pixel + there + 0.3 * turn


def _laplace(guess: Tensor, truth: Tensor, log_error: Tensor) -> Tensor:
    scale = log_error.clamp(-7, 0)
    return ((guess - truth).abs() * torch.exp(-scale) + scale).mean(-1)


def jitter(images: Tensor, generator: Generator) -> Tensor:
    """Scale and shift each picture's channels a little, (B, C, P, P, 3) uint8 to uint8."""
    shape = (*images.shape[:2], 1, 1, 3)
    gain = 1 + 0.12 * torch.randn(shape, generator=generator).to(images.device)
    shift = 6 * torch.randn(shape, generator=generator).to(images.device)
    return (images.float() * gain + shift).clamp(0, 255).to(torch.uint8)


def errors_m(eyes: Eyes, batch: Batch) -> dict[str, tuple[float, float]]:
    """Median and 90th percentile of the place's error for each look, metres."""
    with torch.inference_mode():
        names = enumerate(eyes.cameras)
        seen: Seen = eyes({n: batch["images"][:, i] for i, n in names}, batch["proprio"])
    far = (seen.pos_m - batch["pos_m"]).norm(dim=-1)
    result = {}
    for i, look in enumerate(eyes.looks):
        here = far[:, i][batch["present"][:, i]]
        result[look] = (float(here.median()), float(here.quantile(0.9)))
    return result
