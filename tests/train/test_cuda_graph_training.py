"""Trainings side by side: the schedule and the data of `fit`, whoever else is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from pi0bench.data.training_arrays import Batch
from pi0bench.errors import Pi0benchError
from pi0bench.train.cuda_graph_training import Member, fit_together
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.interim_weights import Interim
from pi0bench.train.learning_curve import read_measured
from pi0bench.train.training_loop import fit

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = FitConfig(steps=30, batch=8, lr=1e-2, muon_lr=3e-2, warmup=5, ema=0.9)


class Points:
    """y = sin of the sum of x."""

    def __init__(self, count: int = 30) -> None:
        x = torch.randn(count, 4, generator=Generator().manual_seed(0))
        self.items: Batch = {"x": x, "y": x.sum(1, keepdim=True).sin()}

        self.groups = [np.arange(count)]

    def __len__(self) -> int:
        return len(self.items["x"])

    def gather(self, indices: np.ndarray) -> Batch:
        return {name: x[torch.from_numpy(indices)] for name, x in self.items.items()}


def network(seed: int = 3) -> nn.Sequential:
    made = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    for p in made.parameters():
        p.data.normal_(std=0.5, generator=Generator().manual_seed(seed))
    return made


def member(config: FitConfig = CONFIG, noise: float = 0.0, scale: float = 1.0) -> Member:
    net = network()

    def loss(batch: Batch, generator: Generator) -> Tensor:
        x = batch["x"] + noise * torch.randn(batch["x"].shape, generator=generator)
        return scale * (net(x) - batch["y"]).square().mean()

    matrices = [p for p in net.parameters() if p.ndim == 2]
    return Member("net", net, loss, Points().items, Points().groups, config, matrices)


def test_without_noise_the_weights_are_those_of_fit(tmp_path: Path) -> None:
    one, alone = member(), member()
    ((_, trained),) = fit_together([one], "cpu")
    wanted = fit(alone.network, alone.loss_of, Points(), CONFIG, tmp_path, matrices=alone.matrices)
    for name, x in wanted.items():
        assert torch.allclose(trained.average[name], x, atol=1e-6), name
    assert trained.losses[-5:].mean() < 0.5 * trained.losses[:5].mean()


def test_before_the_end_the_weights_are_those_of_fit(tmp_path: Path) -> None:
    kept: list[tuple[int, dict[str, Tensor]]] = []

    def keep(step: int, net: nn.Module) -> None:
        kept.append((step, {name: x.clone() for name, x in net.state_dict().items()}))

    config = replace(CONFIG, steps=300)
    interim = Interim(("norm",), lambda net: {"norm": net[0].weight.norm().item()}, keep)
    one, alone = replace(member(config), interim=interim), member(config)
    ((_, trained),) = fit_together([one], "cpu")
    own, matrices = Points(), alone.matrices
    fit(alone.network, alone.loss_of, own, config, tmp_path, matrices=matrices, interim=interim)
    half = len(kept) // 2
    assert [step for step, _ in kept] == 2 * [37, 75, 150]
    for (_, here), (_, there) in zip(kept[:half], kept[half:], strict=True):
        assert all(torch.allclose(here[name], x, atol=1e-5) for name, x in there.items())
    wanted = read_measured(tmp_path)["norm"]
    assert [step for step, _ in wanted] == [250, 300]
    assert trained.measured["norm"] == [(step, pytest.approx(x, rel=1e-4)) for step, x in wanted]


def test_who_is_trained_beside_changes_nothing() -> None:
    ((_, alone),) = fit_together([member(noise=0.1)], "cpu")
    together = [t for _, t in fit_together([member(noise=0.1), member(scale=2)], "cpu")]
    assert torch.equal(alone.losses, together[0].losses)
    assert not torch.equal(alone.losses, together[1].losses)


def test_a_loss_that_is_not_finite_is_told() -> None:
    with pytest.raises(Pi0benchError, match="net: the loss is not finite at step 0"):
        list(fit_together([member(scale=float("nan"))], "cpu"))
