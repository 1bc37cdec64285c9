"""Training in the toy: the benchmark's own loop, on demonstrations or on a teacher's pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from pi0bench.data.reflow_pairs import TEACHER_SOLVER, TEACHER_STEPS
from pi0bench.data.training_arrays import Batch
from pi0bench.policy.heads.head import NoiseSource
from pi0bench.random_streams import stream
from pi0bench.toy import world
from pi0bench.toy.network import Navigator, PathScale
from pi0bench.toy.recipes import Settings
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.training_loop import fit

_AT_ONCE = 500


@dataclass(frozen=True)
class Lessons:
    """What is learned from: tensors with a row each path, as `Navigator.loss` knows them."""

    tensors: Mapping[str, Tensor]

    @property
    def groups(self) -> list[NDArray[np.int64]]:
        """One, of all paths."""
        return [np.arange(len(self))]

    def __len__(self) -> int:
        """Number of paths."""
        return len(self.tensors["starts"])

    def gather(self, indices: np.ndarray) -> Batch:
        """The paths at `indices`."""
        chosen = torch.from_numpy(indices)
        return {name: rows[chosen] for name, rows in self.tensors.items()}


def demonstrated(settings: Settings, waypoints: slice = slice(None)) -> tuple[Lessons, PathScale]:
    """Demonstrations, of which only some waypoints are to be learned, and their scale."""
    rng = stream("demonstration", settings.seed, "toy")
    shown = world.demonstrate(world.draw_starts(settings.demonstrations, rng), rng)
    paths = torch.from_numpy(shown.paths[:, waypoints]).float()
    scale = PathScale.of(paths)
    starts = torch.from_numpy(shown.starts).float()
    return Lessons({"starts": starts, "numbers": scale.normalise(paths)}), scale


def train(
    head: Mapping[str, object], scale: PathScale, lessons: Lessons, settings: Settings
) -> Navigator:
    """A new network with that head, after training."""
    config = FitConfig(
        steps=settings.fit_steps,
        batch=64,
        lr=3e-3,
        muon_lr=2e-2,
        warmup=100,
        ema=0.99,
        seed=settings.seed,
    )
    network = Navigator(head, scale).initialise(Generator().manual_seed(settings.seed))
    with TemporaryDirectory() as folder:
        averaged = fit(
            network, network.loss, lessons, config, Path(folder), matrices=network.matrices()
        )
    network.load_state_dict(averaged)
    return network.eval()


def pairs(teacher: Navigator, settings: Settings) -> Lessons:
    """Noise and what a trained network makes of it.

    Source: Liu et al. 2023 ("rectified flow"), section 2.3.
    """
    rng = stream("demonstration", settings.seed, "toy", "pairs")
    starts = torch.from_numpy(world.draw_starts(settings.pairs, rng)).float()
    pure = noise(settings.pairs, teacher, settings.seed, "pairs")()
    made = [
        teacher.sample(some, lambda own=own: own, TEACHER_STEPS, TEACHER_SOLVER).actions
        for some, own in zip(starts.split(_AT_ONCE), pure.split(_AT_ONCE), strict=True)
    ]
    return Lessons({"starts": starts, "numbers": torch.cat(made).clone(), "noise": pure})


def noise(count: int, network: Navigator, seed: int, what: str) -> NoiseSource:
    """A source of noise for so many paths; made anew, it gives the same again."""
    rng = stream("noise", seed, "toy", what)
    shape = (count, *network.scale.mean.shape)
    return lambda: torch.from_numpy(rng.standard_normal(shape, np.float32))
