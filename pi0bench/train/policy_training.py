"""From a policy's card to its weights: these functions make every policy in policies/ again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from pi0bench.data.training_arrays import Batch, Chunks
from pi0bench.errors import UsageError
from pi0bench.policies import card as cards
from pi0bench.policies.heads import files_of_head, study_head
from pi0bench.policies.heads.head import Target
from pi0bench.policies.network import Network
from pi0bench.policies.policy_folders import CARD, WEIGHTS, folders, trainable
from pi0bench.train.cuda_graph_training import AT_ONCE, Member, fit_together
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.learning_curve import Curve, curve_of, read_curve
from pi0bench.train.training_loop import Progress, fit
from pi0bench.train.weights_file import made_by, recipe, write_weights

Say = Callable[[str], None]


@dataclass(frozen=True)
class PolicyTraining:
    """A policy's training, ready to begin.

    Attributes:
        folder: of its card.
        network: with its first weights.
        data: what it learns from.
        features: the file of that.
        head: the file of its head where that is of others.
        tokens: what the head makes of it once (see `Network.tokenize`).
        config: how.
        draws: noises and times a window.
        about: what its weights will say of themselves.
    """

    folder: Path
    network: Network
    data: Chunks
    features: Path
    head: Sequence[Path]
    tokens: Batch
    config: FitConfig
    draws: int
    about: dict[str, Any]

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        """The network's loss of a batch, a scalar."""
        return self.network.loss(batch, generator, self.draws)

    def write(self, average: Batch, curve: Curve) -> Path:
        """Write weights in half precision beside the card, and return the file."""
        halves = {name: x.half() if x.is_floating_point() else x for name, x in average.items()}
        card, seed = self.folder / CARD, self.config.seed
        made = recipe(card, seed, [self.features], curve, self.head)
        return write_weights(self.folder / WEIGHTS, halves, {**self.about, "recipe": made})


def prepare(name: str, features: Path, data: Chunks, device: str = "cpu") -> PolicyTraining:
    """The training of a policy on what it sees, by its card; its weights will name the device.

    Raises:
        UsageError: its card has no training of its own, or its folder is an installed package's.
    """
    folder = trainable(folders()[name])
    card = cards.read(folder)
    if "same_as" in card:
        raise UsageError(f"{name} has the weights of {card['same_as']}; train that")
    training, scale = card["training"], data.scale
    about = {
        **{key: data.about[key] for key in ("looks", "eyes") if key in data.about},
        "vocabulary": data.vocabulary,
        "actions": asdict(scale),
        "head": _studied(card, data) if "trunk" in card else {},
        "tasks": data.about["tasks"],
        "modes": data.modes(),
        "windows": len(data),
        "made_by": made_by(device),
    }
    network, _ = cards.build(card, about)
    network.initialise(Generator().manual_seed(training["seed"]))
    done = {key: torch.from_numpy(data.arrays[key]) for key in ("actions", "valid")}
    tokens = data.once(f"tokens {card.get('head')}", lambda: network.tokenize(done))
    head = files_of_head(card)
    config = FitConfig.of(training, cards.digest(folder / CARD, features, *head))
    draws = training["draws"]
    return PolicyTraining(folder, network, data, features, head, tokens, config, draws, about)


def fit_policy(
    name: str, features: Path, work: Path, progress: Progress = None, device: str = "cpu"
) -> Path:
    """Train a policy on what it sees, by its card; writes its weights and returns the file."""
    one = prepare(name, features, _chunks(name, features), device)
    data, matrices = one.data.adding(one.tokens), one.network.matrices()
    average = fit(one.network, one.loss, data, one.config, work, progress, device, matrices)
    return one.write(average, read_curve(work))


def fit_policies(
    names: Mapping[str, Path], device: str = "cuda", at_once: int = AT_ONCE, say: Say = print
) -> Iterator[Path]:
    """Train policies on files of features side by side on a GPU (see `fit_together`)."""
    read = {features: _chunks(name, features) for name, features in names.items()}
    placed = {features: data.placed(device) for features, data in read.items()}
    trainings = {name: prepare(name, file, read[file], device) for name, file in names.items()}
    members = []
    for name, one in trainings.items():
        tokens = {key: x.to(device) for key, x in one.tokens.items()}
        items, matrices = {**placed[one.features], **tokens}, one.network.matrices()
        members.append(Member(name, one.network, one.loss, items, one.config, matrices))
    for member, trained in fit_together(members, device, at_once, say):
        curve = curve_of(trained.losses.tolist())
        say(f"{member.name}: loss {curve[-1][1]:.4f}")
        yield trainings[member.name].write(trained.average, curve)


def _chunks(name: str, features: Path) -> Chunks:
    return Chunks(features, cards.read(folders()[name])["text"]["length"])


def _studied(card: Mapping[str, Any], data: Chunks) -> dict[str, Any]:
    """What the head must know of the demonstrations before it is made."""
    head, space = card["head"], data.scale.space(int(card["chunk"]["length"]))
    actions, valid = (torch.from_numpy(data.arrays[name]) for name in ("actions", "valid"))
    target = Target(data.scale.normalise(actions), valid)
    return data.once(f"studied {head}", lambda: study_head(head, target, space))
