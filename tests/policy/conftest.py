"""A tiny trunk with some observations, and every head on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from pi0bench.policy.heads import build_head, fit_tokenizer
from pi0bench.policy.heads.head import Context, Head, NoiseSource, Sampled, Target
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.pi0_trunk import Trunk, TrunkConfig
from pi0bench.policy.weight_init import initialise

TINY = TrunkConfig(2, 32, 32, 64, 64, 4, 1, 8)
ROWS, HORIZON, DIM = 4, 8, 3

HEAD_CONFIGS: dict[str, dict[str, Any]] = {
    "bc": {"kind": "regression"},
    "mip": {
        "kind": "gaussian_path",
        "target": "data",
        "times": "two_point",
        "coupling": "from_nothing",
        "sampler": "two_pass",
    },
    "two_stage": {
        "kind": "gaussian_path",
        "target": "data",
        "times": "two_point",
        "sampler": "two_pass",
    },
    "residual": {
        "kind": "gaussian_path",
        "target": "data",
        "times": "two_point",
        "coupling": "own_guess",
        "sampler": "two_pass",
    },
    "straight": {"kind": "gaussian_path", "times": "start", "sampler": "one_pass"},
    "bc_flow": {
        "kind": "gaussian_path",
        "times": "start",
        "coupling": "from_nothing",
        "sampler": "one_pass",
    },
    "flow": {"kind": "gaussian_path"},
    "dense_jump": {"kind": "gaussian_path", "times": "arcsine", "sampler": "dense_jump"},
    "pi0": {"kind": "gaussian_path", "times": "pi0"},
    "ddpm": {
        "kind": "gaussian_path",
        "path": "squared_cosine",
        "target": "data",
        "times": "levels",
        "sampler": "ddpm",
        "steps": 100,
    },
    "sde": {
        "kind": "gaussian_path",
        "path": "vp",
        "target": "data",
        "times": "score",
        "sampler": "reverse_sde",
        "steps": 100,
    },
    "noise": {
        "kind": "gaussian_path",
        "path": "squared_cosine",
        "target": "noise",
        "times": "levels",
        "sampler": "ddpm",
        "steps": 100,
    },
    "span": {"kind": "span", "steps": 8},
    "ofp": {"kind": "span", "target": "ofp", "steps": 8},
    "shortcut": {"kind": "span", "target": "shortcut", "steps": 8},
    "mean_flow": {"kind": "span", "target": "mean_flow", "adaptive_power": 0.5, "steps": 8},
    "improved_mean_flow": {
        "kind": "span",
        "target": "improved_mean_flow",
        "adaptive_power": 0.5,
        "steps": 8,
    },
    "energy_score": {"kind": "energy_score"},
    "energy_based": {"kind": "energy_based", "candidates": 16, "modes": 2},
    "mixture": {"kind": "mixture"},
    "nflow": {"kind": "normalizing_flow", "hidden": 32},
    "rt1": {"kind": "parallel_tokens"},
    "masked": {"kind": "masked_tokens"},
    "masked_drawn": {"kind": "masked_tokens", "temperature": 1.0},
    "openvla": {"kind": "token_sequence", "horizon": 8},
    "fast": {"kind": "token_sequence", "codec": "fast", "horizon": 8, "vocabulary": 96},
}


@pytest.fixture(autouse=True)
def _always_one_thread(one_thread: None) -> None:
    """Every policy's numbers are those of one thread."""


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def noise(seed: int, rows: int = ROWS) -> NoiseSource:
    """Fresh noise a call, the same for the same seed; a row's does not depend on the others."""
    streams = [seeded(1000 * seed + row) for row in range(rows)]
    return lambda: torch.stack([torch.randn(HORIZON, DIM, generator=g) for g in streams])


@dataclass
class Small:
    """A head on a tiny trunk, before some observations."""

    trunk: Trunk
    head: Head
    prefix: Tensor
    valid: Tensor
    state: Tensor

    def context(self, rows: Tensor | None = None) -> Context:
        """What the head may ask of the observations, or of those of these numbers."""
        chosen = torch.arange(len(self.state)) if rows is None else rows
        kv_cache = self.trunk.prefix(self.prefix[chosen], self.valid[chosen])
        return Context(self.trunk, kv_cache, self.state[chosen])

    def parameters(self) -> list[torch.nn.Parameter]:
        return [*self.trunk.parameters(), *self.head.parameters()]

    def fit(self, target: Target, steps: int, draws: int = 8, lr: float = 3e-3) -> list[float]:
        """Train on one batch and return the losses."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=lr, weight_decay=0.0)
        losses = []
        for step in range(steps):
            loss = self.head.loss(self.context(), target, seeded(step), draws)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        return losses

    @torch.no_grad()
    def sampled(
        self, draw: NoiseSource, steps: int | None = None, rows: Tensor | None = None
    ) -> Sampled:
        """Chunks by the head's own sampler."""
        solver = self.head.solvers[0] if self.head.solvers else ""
        return self.head.sample(self.context(rows), draw, steps or self.head.steps, solver)

    def sample(
        self, draw: NoiseSource, steps: int | None = None, rows: Tensor | None = None
    ) -> Tensor:
        """The chunks alone."""
        return self.sampled(draw, steps, rows).actions


def space(low: float = -2.0, high: float = 2.0) -> ActionSpace:
    ends = torch.full((DIM,), low), torch.full((DIM,), high)
    return ActionSpace(HORIZON, ends, ends)


@pytest.fixture
def small() -> Callable[..., Small]:
    """Make one from a head's config; FAST studies the given chunks first."""

    def make(config: dict[str, Any], chunks: Tensor | None = None, rows: int = ROWS) -> Small:
        data = seeded(1)
        trunk = Trunk(TINY)
        initialise(trunk, seeded(0))
        seen = chunks if chunks is not None else smooth(64, seeded(2))
        known = fit_tokenizer(config, Target(seen, torch.ones(seen.shape[:2]).bool()), space())
        head = build_head(config, space(), TINY.action_width, known)
        head.initialise(seeded(3))
        valid = torch.ones(rows, 6).bool()
        valid[-1, 3:] = False
        prefix = torch.randn(rows, 6, TINY.prefix_width, generator=data)
        return Small(trunk, head, prefix, valid, torch.randn(rows, 32, generator=data))

    return make


def smooth(rows: int, generator: Generator) -> Tensor:
    """Chunks that change slowly, as a robot's do, (rows, HORIZON, DIM) within [-2, 2]."""
    ends = 1.4 * torch.randn(2, rows, 1, DIM, generator=generator).clamp(-1.4, 1.4)
    t = torch.linspace(0, 1, HORIZON)[:, None]
    return (1 - t) * ends[0] + t * ends[1]
