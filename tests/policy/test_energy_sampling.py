"""The laws of ranking and drawing by an energy, where all densities are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from pi0bench.policy.heads.energy_sampling import Proposal, ranking_loss, refine
from tests.policy.conftest import seeded

DATA = torch.tensor([0.5, 0.3, 0.15, 0.05])
PROPOSED = torch.tensor([0.1, 0.2, 0.3, 0.4])


def learned(log_density: Tensor) -> Tensor:
    """The energies of four things, learned by ranking one that is shown among eight drawn ones."""
    energies = torch.zeros(4, requires_grad=True)
    optimizer = torch.optim.Adam([energies], lr=0.02)
    generator = seeded(0)
    for _ in range(600):
        shown = torch.multinomial(DATA, 1024, True, generator=generator)
        drawn = torch.multinomial(PROPOSED, 1024 * 8, True, generator=generator).view(1024, 8)
        which = torch.cat([shown[:, None], drawn], dim=1)
        loss = ranking_loss(energies[which], log_density[which]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return energies.detach()


def test_an_energy_is_that_of_the_data_however_candidates_are_drawn() -> None:
    torch.testing.assert_close((-learned(PROPOSED.log())).softmax(0), DATA, atol=0.03, rtol=0)


def test_without_the_density_it_is_that_of_the_data_over_the_proposal() -> None:
    biased = DATA / PROPOSED / (DATA / PROPOSED).sum()
    found = (-learned(torch.zeros(4))).softmax(0)
    torch.testing.assert_close(found, biased, atol=0.03, rtol=0)
    assert (found - DATA).abs().max() > 0.1


def proposal(rows: int, std: float) -> Proposal:
    """Two modes at ±1 of two numbers, one of them twice as likely."""
    mean = torch.tensor([[-1.0, 0.0], [1.0, 0.0]]).expand(rows, -1, -1)
    logits = torch.tensor([0.0, math.log(2)]).expand(rows, -1)
    return Proposal(logits, mean, torch.full((rows, 2, 2), std))


def test_a_proposal_draws_from_its_density() -> None:
    one, noise = proposal(1, 0.3), torch.randn(1, 20_000, 3, generator=seeded(0))
    drawn = one.draw(noise)
    assert (drawn[..., 0] > 0).float().mean() == pytest.approx(2 / 3, abs=0.015)
    # The mean of 1 / q over draws of q is the area, of which nearly all is in this square.
    edge = torch.linspace(-4, 4, 161)
    square = torch.cartesian_prod(edge, edge)[None]
    assert one.log_density(square).exp().sum() * 0.05**2 == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("rounds", [1, 3])
def test_what_is_drawn_has_the_density_of_the_energy(rounds: int) -> None:
    rows, generator = 2000, seeded(1)
    wanted = Normal(torch.tensor([0.5, 0.0]), torch.tensor([0.4, 0.4]))
    found = refine(
        proposal(rows, 1.0),
        lambda candidates: -wanted.log_prob(candidates).sum(-1),
        lambda: torch.randn(rows, 8, 3, generator=generator),
        64,
        rounds,
        1.0,
    )
    assert found.mean(0).tolist() == pytest.approx([0.5, 0.0], abs=0.04)
    # Later rounds rank what is dense already once more, so that they seek the mode.
    spread = found.std(0).tolist()
    if rounds == 1:
        assert spread == pytest.approx([0.4, 0.4], abs=0.04)
    else:
        assert max(spread) < 0.38


def test_at_temperature_zero_rounds_come_nearer_to_the_least_energy() -> None:
    rows, least = 200, torch.tensor([1.7, -0.6])

    def off(rounds: int) -> float:
        generator = seeded(2)
        found = refine(
            proposal(rows, 0.5),
            lambda candidates: 50 * (candidates - least).square().sum(-1),
            lambda: torch.randn(rows, 8, 3, generator=generator),
            32,
            rounds,
            0.0,
        )
        return float((found - least).norm(dim=-1).mean())

    assert off(1) > 2 * off(4)
    assert off(4) < 0.1
