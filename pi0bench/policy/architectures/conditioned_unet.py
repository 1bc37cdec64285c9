"""Diffusion Policy and DP3: a U-Net on a Gaussian path, told by an encoder of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Generator, Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.policy.architectures.observation_encoders import ObservationEncoder
from pi0bench.policy.architectures.unet import UNet
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.gaussian_path import GaussianPath
from pi0bench.policy.heads.gaussian_path_options import GaussianPathOptions
from pi0bench.policy.heads.head import NoiseSource, Sampled, Target
from pi0bench.policy.network import Network, NetworkSpec, ObservationBatch
from pi0bench.policy.weight_init import initialise


class ConditionedUNet(Network):
    """Observation encoder and U-Net.

    Args:
        spec: of words and actions.
        encoder: observations to a condition.
        widths: of the U-Net's levels.
        options: of the path, those of a card's `[head]` table.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        encoder: ObservationEncoder,
        widths: Sequence[int],
        options: Mapping[str, Any],
    ) -> None:
        space = spec.norm_stats.space(spec.action_horizon)
        path = GaussianPath(GaussianPathOptions(**options), space)
        of = path.options
        if of.prefix:
            raise UsageError("head.prefix: a U-Net has one time for a whole chunk; leave it out")
        sampler = of.solvers, of.free_steps, of.guidable, not of.starts_from_zero
        super().__init__(spec.norm_stats, spec.action_horizon, *sampler)
        self.path, self.encoder = path, encoder
        self.unet = UNet(space.dim, encoder.width, widths)

    def initialise(self, generator: Generator) -> ConditionedUNet:
        """See `Network.initialise`."""
        self.encoder.initialise(generator)
        initialise(self.unet, generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weights of the U-Net's blocks and the encoder's matrices."""
        return [*self.unet.matrices(), *self.encoder.matrices()]

    def encode(self, batch: ObservationBatch) -> Tensor:
        """The condition, (B, C), computed once a plan."""
        return self.encoder(batch)

    def loss(self, batch: ObservationBatch, generator: Generator, draws: int) -> Tensor:
        """See `GaussianPath.loss`."""
        actions = self.norm_stats.normalise(batch["actions"])
        target = Target(actions, batch["valid"], batch.get("noise"))
        condition = self.encode(batch).repeat_interleave(draws, 0)
        predict = partial(self.unet, condition=condition)
        return self.path.loss(predict, target, generator, draws)

    def sample(self, encoded: Tensor, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """From noise to actions."""
        predict = partial(self.unet, condition=encoded)
        return self.unnormalised(self.path.sample(predict, noise, steps, solver))

    def sample_guided(
        self, encoded: Tensor, noise: NoiseSource, steps: int, solver: str, guidance: Guidance
    ) -> Sampled:
        """From noise to actions, guided."""
        predict = partial(self.unet, condition=encoded)
        return self.unnormalised(self.path.sample(predict, noise, steps, solver, guidance))
