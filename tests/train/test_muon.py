from __future__ import annotations

import torch
from torch import Generator, nn

from pi0bench.train.muon import Muon, orthogonal


def test_updates_have_singular_values_near_one() -> None:
    generator = Generator().manual_seed(0)
    for shape in ((3, 16, 40), (2, 40, 16), (1, 24, 24)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape, generator=generator)))
        assert values.min() > 0.3
        assert values.max() < 1.3


def test_an_update_has_the_promised_size_whatever_the_gradients() -> None:
    for scale in (1e-6, 1.0, 1e6):
        matrix = nn.Parameter(torch.zeros(64, 64))
        matrix.grad = scale * torch.randn(64, 64, generator=Generator().manual_seed(1))
        Muon([matrix], lr=0.1).step()
        rms = matrix.detach().square().mean().sqrt()
        assert 0.6 * 0.2 * 0.1 < rms < 1.2 * 0.2 * 0.1


def test_it_goes_downhill_and_leaves_alone_what_has_no_gradient() -> None:
    goal = torch.randn(8, 12, generator=Generator().manual_seed(2))
    moved, still = nn.Parameter(torch.zeros(8, 12)), nn.Parameter(torch.ones(8, 12))
    optimizer = Muon([moved, still], lr=0.3, weight_decay=0.0)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.3 * (1 - step / 200)
        optimizer.zero_grad()
        (moved - goal).square().sum().backward()
        optimizer.step()
    assert (moved - goal).abs().max() < 0.05
    assert torch.equal(still, torch.ones(8, 12))


def test_a_kernel_is_trained_as_the_matrix_from_its_inputs_to_its_outputs() -> None:
    gradient = torch.randn(6, 4, 5, generator=Generator().manual_seed(3))
    kernel, matrix = nn.Parameter(torch.ones(6, 4, 5)), nn.Parameter(torch.ones(6, 20))
    kernel.grad, matrix.grad = gradient, gradient.flatten(1)
    Muon([kernel, matrix], lr=0.1).step()
    assert torch.equal(kernel.detach().flatten(1), matrix.detach())
    assert not torch.equal(matrix.detach(), torch.ones(6, 20))
