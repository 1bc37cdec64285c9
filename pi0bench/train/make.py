"""From a policy's card to its weights: every file in policies/ is made again by these functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Generator, Tensor

from pi0bench.content import folder as content
from pi0bench.errors import UsageError
from pi0bench.policies import card as cards
from pi0bench.policies.eyes import Eyes
from pi0bench.policies.heads import study_head
from pi0bench.policies.heads.head import Target
from pi0bench.policies.observe import ActionScale
from pi0bench.train import eyes as seeing
from pi0bench.train.data import Chunks, Scenes
from pi0bench.train.fit import FitConfig, fit

Progress = Callable[[int, int, float], None] | None


def fit_eyes(
    name: str, scenes: Sequence[Path], work: Path, progress: Progress, device: str = "cpu"
) -> Path:
    """Train eyes on labelled scenes, by their card; writes their weights and returns the file."""
    folder = content("policies") / name
    card = cards.read(folder, cards.EYES_CARD)
    recipe = card["training"]
    data = Scenes(scenes)
    with seeded(recipe["seed"]):
        eyes = Eyes(data.about["looks"], data.about["calibration"], card["eyes"]["width"])
    eyes = eyes.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    held_out = np.arange(len(data) - recipe["held_out"], len(data))
    seen = _First(data, len(data) - recipe["held_out"])
    config = _config(recipe, folder / cards.EYES_CARD, *scenes)
    average = fit(eyes, lambda b, g: seeing.loss(eyes, b, g), seen, config, work, progress, device)
    eyes.cpu().load_state_dict(average)
    about = {
        "looks": data.about["looks"],
        "calibration": data.about["calibration"],
        "errors_m": seeing.errors_m(eyes, data.gather(held_out)),
    }
    return _write(folder / cards.WEIGHTS, average, about)


def fit_policy(
    name: str, features: Path, work: Path, progress: Progress, device: str = "cpu"
) -> Path:
    """Train a policy on what it sees, by its card; writes its weights and returns the file."""
    folder = content("policies") / name
    card = cards.read(folder)
    if "same_as" in card:
        raise UsageError(f"{name} has the weights of {card['same_as']}; train that")
    recipe = card["training"]
    data = Chunks(features, card["text"]["length"])
    scale = ActionScale.of(data.arrays["actions"][data.arrays["valid"]])
    about = {
        **{key: data.about[key] for key in ("looks", "eyes") if key in data.about},
        "vocabulary": data.vocabulary,
        "actions": asdict(scale),
        "head": _studied(card, data, scale) if "trunk" in card else {},
        "tasks": data.about["tasks"],
        "modes": data.modes(),
        "windows": len(data),
    }
    network, _ = cards.build(card, about)
    network.initialise(Generator().manual_seed(recipe["seed"]))
    draws = recipe["draws"]
    average = fit(
        network,
        lambda b, g: network.loss(b, g, draws),
        data,
        _config(recipe, folder / cards.CARD, features),
        work,
        progress,
        device,
        network.matrices(),
    )
    halves = {name: x.half() if x.is_floating_point() else x for name, x in average.items()}
    return _write(folder / cards.WEIGHTS, halves, about)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give PyTorch's own constructors, which know no generator, a seed for a while."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251
        yield


def _studied(card: Mapping[str, Any], data: Chunks, scale: ActionScale) -> dict[str, Any]:
    """What the head must know of the demonstrations before it is made."""
    actions, valid = (torch.from_numpy(data.arrays[name]) for name in ("actions", "valid"))
    space = scale.space(int(card["chunk"]["length"]))
    return study_head(card["head"], Target(scale.normalise(actions), valid), space)


class _First:
    """The first `count` items of a data set."""

    def __init__(self, data: Scenes, count: int) -> None:
        self._data, self._count = data, count

    def __len__(self) -> int:
        return self._count

    def gather(self, indices: np.ndarray) -> dict[str, Tensor]:
        return self._data.gather(indices)


def _config(recipe: Mapping[str, Any], *sources: Path) -> FitConfig:
    keys = ("steps", "batch", "lr", "muon_lr", "ema", "seed")
    known = {key: recipe[key] for key in keys if key in recipe}
    return FitConfig(**known, source=cards.digest(*sources))


def _write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    partial = path.with_name(path.name + ".partial")
    flat = {name: x.detach().contiguous() for name, x in tensors.items()}
    partial.write_bytes(save(flat, metadata={"about": json.dumps(about, sort_keys=True)}))
    partial.replace(path)
    return path
