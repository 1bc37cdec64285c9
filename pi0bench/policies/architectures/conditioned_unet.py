"""Diffusion Policy and DP3: a U-Net on a Gaussian path, told by an encoder of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.policies.architectures.observation_encoders import Observer
from pi0bench.policies.architectures.unet import UNet
from pi0bench.policies.architectures.weight_init import initialise
from pi0bench.policies.heads import parse
from pi0bench.policies.heads.gaussian_path import GaussianPathHead, path_loss, path_sample
from pi0bench.policies.heads.gaussian_path_options import GaussianRecipe
from pi0bench.policies.heads.head import Draw, Target
from pi0bench.policies.network import Given, Network, Sampled, Seen


@dataclass(frozen=True)
class Condition:
    """What the U-Net is told of B observations, (B, C)."""

    numbers: Tensor

    @property
    def device(self) -> torch.device:
        """Where it lies."""
        return self.numbers.device

    def repeat(self, draws: int) -> Condition:
        """Let each observation serve `draws` rows that follow one another."""
        return Condition(self.numbers.repeat_interleave(draws, 0)) if draws > 1 else self


class ConditionedUNet(Network):
    """Observer and U-Net.

    Args:
        given: of words and actions.
        observer: observations to a condition.
        widths: of the U-Net's levels.
        head: a card's `[head]` table, of kind "gaussian_path".
    """

    def __init__(
        self, given: Given, observer: Observer, widths: Sequence[int], head: Mapping[str, Any]
    ) -> None:
        recipe = _recipe(head)
        super().__init__(given.scale, recipe.solvers, recipe.free_steps)
        self.recipe, self.space = recipe, given.scale.space(given.horizon)
        self.observer = observer
        self.unet = UNet(self.space.dim, observer.width, widths)
        self.evaluations = 0

    def initialise(self, generator: Generator) -> ConditionedUNet:
        """See `Network.initialise`."""
        self.observer.initialise(generator)
        initialise(self.unet, generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weights of the U-Net's blocks and the observer's matrices."""
        return [*self.unet.matrices(), *self.observer.matrices()]

    def encode(self, seen: Seen) -> Condition:
        """The condition, computed once a plan."""
        return Condition(self.observer(seen))

    def predict(self, context: Condition, x: Tensor, time: Tensor) -> Tensor:
        """One evaluation of the U-Net (see `gaussian_path.Predictor`)."""
        self.evaluations += 1
        return self.unet(x, time, context.numbers)

    def loss(self, batch: Seen, generator: Generator, draws: int) -> Tensor:
        """See `gaussian_path.path_loss`."""
        target = Target(self.scale.normalise(batch["actions"]), batch["valid"], batch.get("noise"))
        return path_loss(self, self.encode(batch), target, generator, draws)

    def sample(self, encoded: Condition, draw: Draw, steps: int, solver: str) -> Sampled:
        """From noise to actions; evaluations of the U-Net are counted."""
        self.evaluations = 0
        numbers = path_sample(self, encoded, draw, steps, solver)
        return Sampled(self.scale.restore(numbers), self.evaluations)


def _recipe(head: Mapping[str, Any]) -> GaussianRecipe:
    kind, options = parse(head)
    if kind is not GaussianPathHead:
        raise UsageError(f'head.kind: a U-Net goes with "gaussian_path", not "{head["kind"]}"')
    return GaussianRecipe(**options)
