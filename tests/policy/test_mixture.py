"""The mixture's density is one, and a chunk is of one mode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from pi0bench.policy.heads.head import Target, masked_mean
from pi0bench.policy.heads.mixture import MixtureHead, mixture_log_likelihood
from tests.policy.conftest import DIM, HORIZON, ROWS, Small, noise, seeded, smooth

Make = Callable[..., Small]


@dataclass
class Modes:
    """Modes of two chunks, made up."""

    logits: Tensor
    mean: Tensor
    std: Tensor

    @staticmethod
    def of(modes: int, horizon: int, dim: int) -> Modes:
        generator = seeded(modes)
        size = (2, modes, horizon, dim)
        std = 0.3 + torch.rand(size, generator=generator)
        logits = torch.randn(2, modes, generator=generator)
        return Modes(logits, torch.randn(size, generator=generator), std)

    def log_likelihood(self, actions: Tensor, valid: Tensor) -> Tensor:
        return mixture_log_likelihood(self.logits, self.mean, self.std, actions, valid)


def test_the_density_is_that_of_whole_chunks() -> None:
    modes, actions = Modes.of(3, 4, 2), torch.randn(2, 4, 2, generator=seeded(0))
    parts = Independent(Normal(modes.mean, modes.std), 2)
    wanted = MixtureSameFamily(Categorical(logits=modes.logits), parts).log_prob(actions)
    found = modes.log_likelihood(actions, torch.ones(2, 4).bool())
    torch.testing.assert_close(found, wanted)


def test_steps_that_do_not_count_change_no_density() -> None:
    modes, actions = Modes.of(3, 4, 2), torch.randn(2, 4, 2, generator=seeded(0))
    valid = torch.tensor([[True, True, False, False], [False] * 4])
    parts = Independent(Normal(modes.mean[:1, :, :2], modes.std[:1, :, :2]), 2)
    mixture = MixtureSameFamily(Categorical(logits=modes.logits[:1]), parts)
    found = modes.log_likelihood(actions, valid)
    torch.testing.assert_close(found[:1], mixture.log_prob(actions[:1, :2]))
    assert found[1] == 0


def test_one_mode_of_a_fixed_spread_learns_what_regression_learns() -> None:
    modes, actions = Modes.of(1, 4, 2), torch.randn(2, 4, 2, generator=seeded(0))
    modes.std.fill_(0.4)
    modes.mean.requires_grad_()
    valid = torch.tensor([[True, True, True, False], [True] * 4])
    numbers = valid.sum() * 2
    (own,) = torch.autograd.grad(-modes.log_likelihood(actions, valid).sum() / numbers, modes.mean)
    error = masked_mean((modes.mean[:, 0] - actions).square(), valid)
    (regression,) = torch.autograd.grad(error, modes.mean)
    torch.testing.assert_close(own, regression / (2 * 0.4**2))


def mixture_head(made: Small) -> MixtureHead:
    assert isinstance(made.head, MixtureHead)
    return made.head


@torch.no_grad()
def test_a_sample_is_the_mean_of_a_mode_as_often_as_that_is_likely(small: Make) -> None:
    made = small({"kind": "mixture", "modes": 3})
    logits, mean, std = mixture_head(made).predict(made.context())
    assert std.min() > 0.1
    many = torch.randn(2000 * ROWS, HORIZON, DIM, generator=seeded(0))
    chunks = made.head.sample(made.context().repeat(2000), lambda: many, 0, "").actions
    away = chunks.unflatten(0, (ROWS, 2000))[:, :, None] - mean[:, None]
    same = away.abs().amax(dim=(3, 4)) < 1e-4
    assert (same.sum(dim=2) == 1).all()
    torch.testing.assert_close(same.float().mean(1), logits.softmax(1), atol=0.04, rtol=0)


@torch.no_grad()
def test_at_temperature_zero_it_is_the_likeliest_mode(small: Make) -> None:
    made = small({"kind": "mixture", "temperature": 0.0})
    logits, mean, _ = mixture_head(made).predict(made.context())
    for seed in range(3):
        assert torch.equal(made.sample(noise(seed)), mean[range(ROWS), logits.argmax(1)])


def test_the_loss_is_a_number_of_nats_a_number(small: Make) -> None:
    made = small({"kind": "mixture"})
    target = Target(smooth(ROWS, seeded(7)), torch.ones(ROWS, HORIZON).bool())
    target.valid[0, 5:] = False
    found = mixture_head(made).predict(made.context())
    wanted = mixture_log_likelihood(*found, target.actions, target.valid).sum()
    loss = made.head.loss(made.context(), target, seeded(1))
    assert loss.item() == pytest.approx(-wanted.item() / (3 * (ROWS * HORIZON - 3)), rel=1e-5)
