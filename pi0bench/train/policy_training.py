"""From a policy's card to its weights: these functions make every policy in policies/ again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from pi0bench.data.training_arrays import Batch, Chunks
from pi0bench.errors import UsageError
from pi0bench.policy import weights_file
from pi0bench.policy.card import read
from pi0bench.policy.card_tables import PolicyCard
from pi0bench.policy.heads import files_of_head, fit_tokenizer
from pi0bench.policy.heads.head import Target
from pi0bench.policy.network import Network
from pi0bench.policy.network_loader import PolicyMetadata, new_network
from pi0bench.policy.policy_folders import CARD, folders, name_of, trainable, weights_name
from pi0bench.train.cuda_graph_training import AT_ONCE, Member, fit_together
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.held_out import ACTION_ERROR, WORDS, held_out
from pi0bench.train.interim_weights import Interim
from pi0bench.train.learning_curve import Curve, Measured, curve_of, read_curve, read_measured
from pi0bench.train.training_loop import Progress, fit
from pi0bench.train.weights_recipe import made_by, recipe
from pi0bench.training_names import parted

Say = Callable[[str], None]


@dataclass(frozen=True)
class PolicyTraining:
    """A policy's training, ready to begin.

    Attributes:
        folder: of its card.
        number: of the training.
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
    number: int
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

    def interim(self, snapshots: Path | None) -> Interim:
        """What is measured while it is trained, and kept in a content folder, if there is one."""
        keep = None if snapshots is None else partial(self._keep, snapshots)
        return Interim((ACTION_ERROR, WORDS), held_out(self.data).measure, keep)

    def _keep(self, root: Path, step: int, network: Network) -> None:
        """Write it as it is after so many steps, as the policy NAME_at_STEP of a content folder."""
        home = root / "policies" / f"{name_of(self.folder)}_at_{step}"
        home.mkdir(parents=True, exist_ok=True)
        (home / CARD).write_bytes((self.folder / CARD).read_bytes())
        self.write(network.state_dict(), [], {}, home)

    def write(
        self, average: Batch, curve: Curve, measured: Measured, home: Path | None = None
    ) -> Path:
        """Write weights in half precision beside the card or in a folder; return the file."""
        halves = {name: x.half() if x.is_floating_point() else x for name, x in average.items()}
        made = recipe(
            *(self.folder / CARD, self.config.seed, [self.features]), curve, self.head, measured
        )
        path = (home or self.folder) / weights_name(self.number)
        return weights_file.write(path, halves, {**self.about, "recipe": made})


def prepare(name: str, features: Path, data: Chunks, device: str = "cpu") -> PolicyTraining:
    """The training of a policy on what it sees, by its card; its weights will name the device.

    The second training, NAME@1, has the card's seed and one.

    Raises:
        UsageError: its card has no training of its own, or its folder is an installed package's.
    """
    policy, number = parted(name)
    folder = trainable(folders()[policy])
    card = read(folder)
    if card.same_as:
        raise UsageError(f"{name} has the weights of {card.same_as}; train that")
    found = PolicyMetadata(
        vocabulary=tuple(data.vocabulary),
        actions=data.norm_stats,
        head=_tokenizer(card, data) if card.trunk else {},
        modes=data.modes(),
        tasks={task: data.about["tasks"][task] for task in data.tasks},
        keypoints=tuple(data.about.get("looks", ())),
        eyes=data.about.get("eyes", ""),
    )
    network, _ = new_network(card, found)
    seed = card.training.seed + number
    network.initialise(Generator().manual_seed(seed))
    done = {key: torch.from_numpy(data.arrays[key]) for key in ("actions", "valid")}
    tokens = data.once(f"tokens {card.head}", lambda: network.tokenize(done))
    head, draws = files_of_head(card.head), card.training.draws
    source = weights_file.digest(folder / CARD, features, *head)
    config = replace(FitConfig.of(card.training, source), seed=seed)
    about = {**asdict(found), "windows": len(data), "made_by": made_by(device)}
    of = folder, number, network, data, features
    return PolicyTraining(*of, head, tokens, config, draws, about)


def fit_policy(
    name: str,
    features: Path,
    work: Path,
    progress: Progress = None,
    device: str = "cpu",
    snapshots: Path | None = None,
) -> Path:
    """Train a policy on what it sees, by its card; writes its weights and returns the file.

    Args:
        name: of the policy, or of a training of it.
        features: the file of what it sees.
        work: folder of the checkpoint and the learning curve.
        progress: told how far it has come.
        device: "cpu" or "cuda".
        snapshots: a content folder that gets the policy as it was before the end (`Interim`).
    """
    one = prepare(name, features, Chunks(*_windows(name, features)), device)
    data, matrices = one.data.adding(one.tokens), one.network.matrices()
    average = fit(
        *(one.network, one.loss, data, one.config, work, progress, device, matrices),
        one.interim(snapshots),
    )
    return one.write(average, read_curve(work), read_measured(work))


def fit_policies(
    names: Mapping[str, Path],
    device: str = "cuda",
    at_once: int = AT_ONCE,
    say: Say = print,
    snapshots: Path | None = None,
) -> Iterator[Path]:
    """Train policies on files of features side by side on a GPU (see `fit_together`)."""
    sources = {name: _windows(name, file) for name, file in names.items()}
    data = {source: Chunks(*source) for source in set(sources.values())}
    placed = {source: chunks.placed(device) for source, chunks in data.items()}
    trainings = {
        name: prepare(name, file, data[sources[name]], device) for name, file in names.items()
    }
    members = []
    for name, one in trainings.items():
        tokens = {key: x.to(device) for key, x in one.tokens.items()}
        items, matrices = {**placed[sources[name]], **tokens}, one.network.matrices()
        what = name, one.network, one.loss, items, one.data.groups, one.config, matrices
        members.append(Member(*what, one.interim(snapshots)))
    for member, trained in fit_together(members, device, at_once, say):
        curve = curve_of(trained.losses.tolist())
        say(f"{member.name}: loss {curve[-1][1]:.4f}")
        yield trainings[member.name].write(trained.average, curve, trained.measured)


def _windows(name: str, features: Path) -> tuple[Path, int, tuple[str, ...]]:
    """What a policy's `Chunks` are made of: two of the same share them."""
    card = read(folders()[parted(name)[0]])
    return features, card.text.length, _learned_tasks(card)


def _learned_tasks(card: PolicyCard) -> tuple[str, ...]:
    """The tasks of the suites that a policy learns from; none when it learns from all."""
    if not card.training.learns:
        return ()
    from pi0bench.data.demonstration_files import tasks

    return tuple(task.id for task in tasks(card.training.learns)[1])


def _tokenizer(card: PolicyCard, data: Chunks) -> dict[str, Any]:
    """What the head must know of the demonstrations before it is made."""
    stats = data.norm_stats
    actions, valid = (torch.from_numpy(data.arrays[name]) for name in ("actions", "valid"))
    target, space = Target(stats.normalise(actions), valid), stats.space(card.chunk.length)
    return data.once(f"tokenizer {card.head}", lambda: fit_tokenizer(card.head, target, space))
