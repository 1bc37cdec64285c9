"""What surrounds a head in the toy: a tiny trunk that sees one token and feels its start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Generator, Tensor, nn

from pi0bench.policy.heads import build_head
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context, NoiseSource, Sampled, Target
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.pi0_trunk import Trunk, TrunkConfig
from pi0bench.policy.weight_init import initialise
from pi0bench.toy import world

TRUNK = TrunkConfig(
    depth=2,
    prefix_width=32,
    action_width=32,
    prefix_mlp=64,
    action_mlp=64,
    heads=4,
    kv_heads=1,
    head_dim=8,
)

Velocity = Callable[[Tensor, float], Tensor]
"""dx/dt of normalised paths x (B, H, 2) at one time for all of them, shaped like x."""


@dataclass(frozen=True)
class PathScale:
    """How waypoints become network numbers: waypoint = mean + scale * number.

    Attributes:
        mean: the mean path, (H, 2).
        scale: standard deviation around it, (H, 2), with a floor.
        low: the least network number in the demonstrations, (2,).
        high: the greatest.
    """

    mean: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor

    @staticmethod
    def of(paths: Tensor, floor: float = 0.05) -> PathScale:
        """From demonstrated paths (N, H, 2); a waypoint that hardly varies is not blown up."""
        mean, scale = paths.mean(0), paths.std(0).clamp(min=floor)
        numbers = ((paths - mean) / scale).flatten(0, 1)
        return PathScale(mean, scale, numbers.amin(0), numbers.amax(0))

    def space(self) -> ActionSpace:
        """What heads know of the network numbers."""
        ends = (self.low, self.high)
        return ActionSpace(len(self.mean), ends, ends)

    def normalise(self, paths: Tensor) -> Tensor:
        """Waypoints (…, H, 2) to network numbers."""
        return (paths - self.mean) / self.scale

    def restore(self, numbers: Tensor) -> Tensor:
        """Network numbers (…, H, 2) to waypoints."""
        return self.mean + self.scale * numbers


class Navigator(nn.Module):
    """A path for a start.

    Args:
        head: a card's `[head]` table.
        scale: how waypoints become numbers.
    """

    def __init__(self, head: Mapping[str, object], scale: PathScale) -> None:
        super().__init__()
        self.scale = scale
        self.prefix_embedding = nn.Parameter(torch.zeros(1, TRUNK.prefix_width))
        self.state_proj = nn.Linear(2, TRUNK.action_width)
        self.trunk = Trunk(TRUNK)
        self.head = build_head(head, scale.space(), TRUNK.action_width, {})

    def initialise(self, generator: Generator) -> Navigator:
        """Draw new weights, in place; the head's last, so that all heads get the same trunk."""
        initialise(self.state_proj, generator)
        initialise(self.trunk, generator)
        nn.init.normal_(self.prefix_embedding, generator=generator)
        self.head.initialise(generator)
        return self

    def matrices(self) -> list[nn.Parameter]:
        """The weight matrices between tokens and tokens."""
        return [matrix for matrix in self.trunk.parameters() if matrix.ndim == 2]

    def context(self, starts: Tensor) -> Context:
        """What a head may ask, starting at (B, 2)."""
        there = torch.ones(1, 1, dtype=torch.bool)
        kv_cache = self.trunk.prefix(self.prefix_embedding[None], there).repeat(len(starts))
        felt = (starts - starts.new_tensor(world.START)) / world.SCATTER
        return Context(self.trunk, kv_cache, self.state_proj(felt))

    def loss(self, batch: Mapping[str, Tensor], generator: Generator) -> Tensor:
        """The head's loss on `starts`, `numbers` (normalised paths) and perhaps their `noise`."""
        valid = torch.ones(batch["numbers"].shape[:2], dtype=torch.bool)
        target = Target(batch["numbers"], valid, batch.get("noise"))
        return self.head.loss(self.context(batch["starts"]), target, generator)

    @torch.inference_mode()
    def sample(self, starts: Tensor, noise: NoiseSource, steps: int, solver: str) -> Sampled:
        """Normalised paths from the starts (B, 2): (B, H, 2)."""
        return self.head.sample(self.context(starts), noise, steps, solver)

    def velocity(self, starts: Tensor) -> Velocity:
        """The equation dx/dt = velocity that a Gaussian-path head solves, starting at (B, 2)."""
        assert isinstance(self.head, GaussianPathHead)
        denoise = self.head.path.denoiser(partial(self.head.predict, self.context(starts)))
        return lambda x, time: denoise(x, time).velocity
