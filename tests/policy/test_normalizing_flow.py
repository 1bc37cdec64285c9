"""The normalizing flow: its likelihood is a density, and it can be undone."""

from __future__ import annotations

import pytest
import torch

from pi0bench.policy.heads.head import Context
from pi0bench.policy.heads.normalizing_flow import NormalizingFlowHead
from pi0bench.policy.normalisation import ActionSpace
from pi0bench.policy.pi0_trunk import Trunk
from pi0bench.policy.weight_init import initialise
from tests.policy.conftest import TINY, seeded


def build(horizon: int, dim: int, rows: int = 1) -> tuple[NormalizingFlowHead, Context]:
    one = torch.ones(dim)
    space = ActionSpace(horizon, (-3 * one, 3 * one), (-2 * one, 2 * one))
    trunk, head = Trunk(TINY), NormalizingFlowHead(space, 32, horizon=horizon, hidden=32)
    initialise(trunk, seeded(0))
    head.initialise(seeded(1))
    prefix = torch.randn(rows, 5, 32, generator=seeded(2))
    kv_cache = trunk.prefix(prefix, torch.ones(rows, 5).bool())
    return head, Context(trunk, kv_cache, torch.randn(rows, 32, generator=seeded(3)))


@torch.no_grad()
def test_its_density_integrates_to_one() -> None:
    head, context = build(horizon=1, dim=2)
    line = torch.linspace(-12, 12, 481)
    points = torch.cartesian_prod(line, line)[:, None]
    density = head.log_likelihood(context.repeat(len(points)), points).exp()
    assert abs(float(density.sum()) * (24 / 480) ** 2 - 1) < 5e-3


@torch.no_grad()
def test_it_can_be_undone() -> None:
    head, context = build(horizon=8, dim=7, rows=6)
    noise = torch.randn(6, 8, 7, generator=seeded(4))
    chunk = head.sample(context, lambda: noise, 0, "").actions
    assert (head.noise_of(context, chunk) - noise).abs().max() < 1e-5


@pytest.mark.parametrize("temperature", [0.0, 0.5])
@torch.no_grad()
def test_temperature_scales_the_noise(temperature: float) -> None:
    head, context = build(horizon=8, dim=7, rows=6)
    noise = torch.randn(6, 8, 7, generator=seeded(4))
    wanted = head.sample(context, lambda: temperature * noise, 0, "").actions
    head.temperature = temperature
    assert torch.equal(head.sample(context, lambda: noise, 0, "").actions, wanted)
