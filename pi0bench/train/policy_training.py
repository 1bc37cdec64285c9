"""From a policy's card to its weights: every file in policies/ is made again by these functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from pi0bench.content.folders import folder as content
from pi0bench.data.training_arrays import Chunks, Scenes
from pi0bench.errors import UsageError
from pi0bench.machine import processor
from pi0bench.policies import weights_file
from pi0bench.policies.card import read, read_keypoint_card
from pi0bench.policies.card_tables import KeypointTrainingTable, PolicyCard, TrainingTable
from pi0bench.policies.heads import fit_tokenizer
from pi0bench.policies.heads.head import Target
from pi0bench.policies.keypoint_encoder import KeypointEncoder
from pi0bench.policies.network import Network
from pi0bench.policies.network_loader import PolicyMetadata, new_network
from pi0bench.policies.policy_folders import CARD, EYES_CARD, WEIGHTS
from pi0bench.train import keypoint_training as seeing
from pi0bench.train.cuda_graph_training import AT_ONCE, Member, fit_together
from pi0bench.train.training_loop import AVERAGED, Batch, FitConfig, fit

Progress = Callable[[int, int, float], None] | None
Say = Callable[[str], None]


def fit_eyes(
    name: str, scenes: Sequence[Path], work: Path, progress: Progress, device: str = "cpu"
) -> Path:
    """Train eyes on labelled scenes, by their card; writes their weights and returns the file."""
    folder = content("policies") / name
    card = read_keypoint_card(folder)
    recipe = card.training
    data = Scenes(scenes)
    with seeded(recipe.seed):
        eyes = KeypointEncoder(data.about["looks"], data.about["calibration"], card.eyes.width)
    eyes = eyes.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    held_out = np.arange(len(data) - recipe.held_out, len(data))
    seen = _First(data, len(data) - recipe.held_out)
    config = _config(recipe, folder / EYES_CARD, *scenes)
    average = fit(eyes, lambda b, g: seeing.loss(eyes, b, g), seen, config, work, progress, device)
    eyes.cpu().load_state_dict(average)
    about = {
        "keypoints": data.about["looks"],
        "calibration": data.about["calibration"],
        "errors_m": seeing.errors_m(eyes, data.gather(held_out)),
        "made_by": _maker(device),
    }
    return weights_file.write(folder / WEIGHTS, average, about)


@dataclass(frozen=True)
class Job:
    """A policy's training, ready to begin.

    Attributes:
        name: of its folder.
        network: with its first weights.
        data: what it learns from.
        tokens: what the head makes of it once (see `Network.tokenize`).
        config: how.
        draws: noises and times a window.
        about: what its weights will say of themselves.
    """

    name: str
    network: Network
    data: Chunks
    tokens: Batch
    config: FitConfig
    draws: int
    about: dict[str, Any]

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        """The network's loss of a batch, a scalar."""
        return self.network.loss(batch, generator, self.draws)

    def write(self, average: Batch) -> Path:
        """Write weights in half precision beside the card, and return the file."""
        halves = {name: x.half() if x.is_floating_point() else x for name, x in average.items()}
        return weights_file.write(content("policies") / self.name / WEIGHTS, halves, self.about)


def job(name: str, features: Path, data: Chunks, device: str = "cpu") -> Job:
    """The training of a policy on what it sees, by its card; its weights will name the device.

    Raises:
        UsageError: its card has no training of its own.
    """
    folder = content("policies") / name
    card = read(folder)
    if card.same_as:
        raise UsageError(f"{name} has the weights of {card.same_as}; train that")
    recipe = card.training
    found = PolicyMetadata(
        vocabulary=tuple(data.vocabulary),
        actions=data.norm_stats,
        head=_tokenizer(card, data) if card.trunk else {},
        modes=data.modes(),
        keypoints=tuple(data.about.get("looks", ())),
        eyes=data.about.get("eyes", ""),
    )
    network, _ = new_network(card, found)
    network.initialise(Generator().manual_seed(recipe.seed))
    done = {key: torch.from_numpy(data.arrays[key]) for key in ("actions", "valid")}
    tokens = data.once(f"tokens {card.head}", lambda: network.tokenize(done))
    config = _config(recipe, folder / CARD, features)
    more = {"tasks": data.about["tasks"], "windows": len(data), "made_by": _maker(device)}
    return Job(name, network, data, tokens, config, recipe.draws, {**asdict(found), **more})


def fit_policy(
    name: str, features: Path, work: Path, progress: Progress, device: str = "cpu"
) -> Path:
    """Train a policy on what it sees, by its card; writes its weights and returns the file."""
    one = job(name, features, _chunks(name, features), device)
    data, matrices = one.data.adding(one.tokens), one.network.matrices()
    return one.write(fit(one.network, one.loss, data, one.config, work, progress, device, matrices))


def fit_policies(
    names: Mapping[str, Path], device: str = "cuda", at_once: int = AT_ONCE, say: Say = print
) -> Iterator[Path]:
    """Train policies on files of features side by side on a GPU (see `fit_together`)."""
    read = {features: _chunks(name, features) for name, features in names.items()}
    placed = {features: data.placed(device) for features, data in read.items()}
    jobs = {name: job(name, file, read[file], device) for name, file in names.items()}
    members = []
    for name, one in jobs.items():
        tokens = {key: x.to(device) for key, x in one.tokens.items()}
        items, matrices = {**placed[names[name]], **tokens}, one.network.matrices()
        members.append(Member(name, one.network, one.loss, items, one.config, matrices))
    for member, trained in fit_together(members, device, at_once, say):
        say(f"{member.name}: loss {float(trained.losses[-AVERAGED:].mean()):.4f}")
        yield jobs[member.name].write(trained.average)


def _chunks(name: str, features: Path) -> Chunks:
    return Chunks(features, read(content("policies") / name).text.length)


def _maker(device: str) -> dict[str, str]:
    """What computes the weights: training is not pinned, so others come to other digits."""
    if device.startswith("cuda"):
        return {"torch": torch.__version__, "processor": torch.cuda.get_device_name()}
    return {
        "torch": torch.__version__,
        "processor": f"{processor.name()}, {processor.model()}",
        "instructions": torch.backends.cpu.get_cpu_capability().lower(),
    }


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Give PyTorch's own constructors, which know no generator, a seed for a while."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)  # noqa: TID251
        yield


def _tokenizer(card: PolicyCard, data: Chunks) -> dict[str, Any]:
    """What the head must know of the demonstrations before it is made."""
    stats = data.norm_stats
    actions, valid = (torch.from_numpy(data.arrays[name]) for name in ("actions", "valid"))
    target, space = Target(stats.normalise(actions), valid), stats.space(card.chunk.length)
    return data.once(f"tokenizer {card.head}", lambda: fit_tokenizer(card.head, target, space))


class _First:
    """The first `count` items of a data set."""

    def __init__(self, data: Scenes, count: int) -> None:
        self._data, self._count = data, count

    def __len__(self) -> int:
        return self._count

    def gather(self, indices: np.ndarray) -> dict[str, Tensor]:
        return self._data.gather(indices)


def _config(recipe: TrainingTable | KeypointTrainingTable, *sources: Path) -> FitConfig:
    known = {field.name for field in fields(FitConfig)}
    own = {name: value for name, value in asdict(recipe).items() if name in known}
    return FitConfig(**own, source=weights_file.digest(*sources))
