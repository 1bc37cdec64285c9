"""The energy score is least for samples from the distribution of the data."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pi0bench.policy.heads.energy_score import energy_score
from tests.policy.conftest import seeded

ROWS = 200_000
STD = 0.5


def normal(*size: int, seed: int) -> Tensor:
    return torch.randn(size, generator=seeded(seed))


def mean_score(std: float, draws: int = 2) -> float:
    """Of samples from N(0, std²), where data is from N(0, STD²)."""
    samples, data = std * normal(ROWS, draws, 1, 1, seed=1), STD * normal(ROWS, 1, 1, seed=2)
    return energy_score(samples, data, torch.ones(ROWS, 1).bool()).mean().item()


@pytest.mark.parametrize("draws", [2, 4])
@pytest.mark.parametrize("std", [0.1, 0.5, 1.0])
def test_of_two_gaussians_it_is_the_closed_form(std: float, draws: int) -> None:
    wanted = math.sqrt(2 / math.pi) * (math.hypot(std, STD) - std / math.sqrt(2))
    assert mean_score(std, draws) == pytest.approx(wanted, abs=0.005)


def test_it_is_least_for_the_spread_of_the_data() -> None:
    scores = {std: mean_score(std) for std in (0.0, 0.25, 0.4, STD, 0.6, 0.75, 1.0)}
    assert min(scores, key=lambda std: scores[std]) == STD


def test_it_knows_how_the_numbers_of_a_chunk_go_together() -> None:
    """Samples with the right distribution of every number, and independent ones, are worse."""
    data = normal(ROWS, 1, 1, seed=1).expand(-1, 3, 2)
    valid = torch.ones(ROWS, 3).bool()
    together = normal(ROWS, 2, 1, 1, seed=2).expand(-1, -1, 3, 2)
    apart = normal(ROWS, 2, 3, 2, seed=3)
    right, wrong = (energy_score(x, data, valid).mean() for x in (together, apart))
    assert wrong > right + 0.05


def test_samples_that_are_the_data_have_a_gradient() -> None:
    samples = torch.zeros(3, 2, 4, 2, requires_grad=True)
    valid = torch.ones(3, 4).bool()
    valid[2] = False
    energy_score(samples, torch.zeros(3, 4, 2), valid).sum().backward()
    assert samples.grad is not None
    assert (samples.grad == 0).all()


def test_steps_that_do_not_count_change_nothing() -> None:
    samples, data = normal(2, 2, 4, 3, seed=1), normal(2, 4, 3, seed=2)
    valid = torch.ones(2, 4).bool()
    valid[0, 2:] = False
    score = energy_score(samples, data, valid)
    short = energy_score(samples[:1, :, :2], data[:1, :2], valid[:1, :2])
    torch.testing.assert_close(score[:1], short)
    samples[0, :, 2:] += 7
    assert torch.equal(energy_score(samples, data, valid), score)
