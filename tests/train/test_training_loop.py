from __future__ import annotations

import csv
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Generator, Tensor, nn

from pi0bench.data.training_arrays import Batch
from pi0bench.errors import Pi0benchError, StorageError, UsageError
from pi0bench.train import training_loop as loop
from pi0bench.train.checkpoint import CHECKPOINT
from pi0bench.train.fit_config import FitConfig
from pi0bench.train.interim_weights import Interim
from pi0bench.train.learning_curve import CURVE
from pi0bench.train.training_loop import fit

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = FitConfig(steps=60, batch=8, lr=1e-2, warmup=5, ema=0.9, checkpoint_every_s=7)


class Points:
    """y = sin of the sum of x, 30 points: no multiple of the batch."""

    def __init__(self, count: int = 30) -> None:
        self.x = torch.randn(count, 4, generator=Generator().manual_seed(0))

    @property
    def groups(self) -> list[np.ndarray]:
        return [np.arange(len(self))]

    def __len__(self) -> int:
        return len(self.x)

    def gather(self, indices: np.ndarray) -> Batch:
        x = self.x[torch.from_numpy(indices)]
        return {"x": x, "y": x.sum(1, keepdim=True).sin()}


class Net(nn.Module):
    """Two layers and, to be awkward, an unused weight, a frozen one and an integer buffer."""

    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        self.unused = nn.Parameter(torch.ones(2))
        self.frozen = nn.Parameter(torch.ones(2), requires_grad=False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        generator = Generator().manual_seed(3)
        for p in self.layers.parameters():
            p.data.normal_(std=0.5, generator=generator)

    def loss(self, batch: Batch, generator: Generator) -> Tensor:
        self.seen += 1
        noise = 0.1 * torch.randn(batch["x"].shape, generator=generator)
        return (self.layers(batch["x"] + noise) - batch["y"]).square().mean()


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks a second a reading, so that checkpoints fall on fixed steps."""
    ticks = itertools.count()
    monkeypatch.setattr(loop, "monotonic", lambda: float(next(ticks)))


def train(
    folder: Path, config: FitConfig = CONFIG, kill_at: int | None = None, muon: bool = False
) -> tuple:
    def progress(step: int, steps: int, loss: float) -> None:
        if step == kill_at:
            raise KeyboardInterrupt

    net = Net()
    matrices = [p for p in net.layers.parameters() if p.ndim == 2] if muon else ()
    return fit(net, net.loss, Points(), config, folder, progress, matrices=matrices), net


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / CURVE).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("muon", [False, True], ids=["adamw", "muon"])
@pytest.mark.parametrize("kills", [(30,), (10, 40), (60,)])
def test_a_killed_training_ends_with_the_same_bits(
    tmp_path: Path, kills: tuple[int, ...], muon: bool
) -> None:
    expected, whole = train(tmp_path / "whole", muon=muon)
    folder = tmp_path / "killed"
    for step in kills:
        with pytest.raises(KeyboardInterrupt):
            train(folder, kill_at=step, muon=muon)
        with (folder / CURVE).open("a") as torn:
            torn.write("5")
    found, resumed = train(folder, muon=muon)
    assert all(torch.equal(found[name], x) for name, x in expected.items())
    parts = zip(whole.state_dict().values(), resumed.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in parts)
    plain = [{k: r[k] for k in ("step", "loss", "lr")} for r in rows(tmp_path / "whole")]
    assert [{k: r[k] for k in ("step", "loss", "lr")} for r in rows(folder)] == plain
    assert [int(r["step"]) for r in plain] == [10, 20, 30, 40, 50, 60]
    assert not list(folder.glob("*.partial"))


def test_a_resume_starts_where_the_checkpoint_was(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, kill_at=30)
    gathered: list[int] = []

    class Watched(Points):
        def gather(self, indices: np.ndarray) -> Batch:
            gathered.append(len(indices))
            return super().gather(indices)

    net = Net()
    fit(net, net.loss, Watched(), CONFIG, tmp_path)
    assert len(gathered) == 60 - 28  # one reading of the clock a step: saved at 7, 14, 21, 28
    gathered.clear()
    again = fit(net, net.loss, Watched(), CONFIG, tmp_path)
    assert not gathered
    assert all(torch.equal(x, again[name]) for name, x in train(tmp_path)[0].items())


def test_the_seed_decides(tmp_path: Path) -> None:
    one, two = train(tmp_path / "0")[0], train(tmp_path / "1", replace(CONFIG, seed=1))[0]
    assert not torch.equal(one["layers.0.weight"], two["layers.0.weight"])


def test_every_step_has_its_own_generator_whatever_the_clock(tmp_path: Path) -> None:
    def draws(folder: Path, ticks: int) -> list[float]:
        found: list[float] = []
        net = Net()

        def loss_of(batch: Batch, generator: Generator) -> Tensor:
            found.append(torch.rand((), generator=generator).item())
            for _ in range(ticks):
                loop.monotonic()
            return net.loss(batch, generator)

        fit(net, loss_of, Points(), CONFIG, folder)
        return found

    quick, slow = draws(tmp_path / "quick", 0), draws(tmp_path / "slow", 3)
    assert quick == slow
    assert len(set(quick)) == 60


def test_training_lowers_the_loss_and_averages_the_weights(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=400)
    average, net = train(tmp_path, config)
    losses = [float(r["loss"]) for r in rows(tmp_path)]
    assert losses[-1] < losses[0] / 3
    assert not torch.equal(average["layers.0.weight"], net.layers[0].get_parameter("weight"))
    assert average["seen"] == 400
    assert torch.equal(average["frozen"], torch.ones(2))
    rates = [float(r["lr"]) for r in rows(tmp_path)]
    assert rates[0] == pytest.approx(1e-2, rel=0.01)
    assert rates[-1] == pytest.approx(5e-4, rel=0.01)
    assert rates == sorted(rates, reverse=True)


def test_the_average_follows_its_formula(tmp_path: Path) -> None:
    weights: list[Tensor] = []
    net = Net()

    def loss_of(batch: Batch, generator: Generator) -> Tensor:
        weights.append(net.layers[0].get_parameter("weight").detach().clone())
        return net.loss(batch, generator)

    average = fit(net, loss_of, Points(), CONFIG, tmp_path)["layers.0.weight"]
    weights.append(net.layers[0].get_parameter("weight").detach())
    expected = weights[1]
    for i, w in enumerate(weights[2:], 1):
        decay = min(0.9, (1 + i) / (10 + i))
        expected = decay * expected + (1 - decay) * w
    torch.testing.assert_close(average, expected)


def test_averaged_weights_are_kept_and_measured_before_the_end(tmp_path: Path) -> None:
    kept: dict[int, dict[str, Tensor]] = {}
    asked: list[Tensor] = []

    def keep(step: int, net: Net) -> None:
        kept[step] = {name: x.clone() for name, x in net.state_dict().items()}

    def measure(net: Net) -> dict[str, float]:
        asked.append(net.layers[0].get_parameter("weight").clone())
        return {"norm": float(asked[-1].norm())}

    net, config = Net(), replace(CONFIG, steps=600)
    average = fit(
        net, net.loss, Points(), config, tmp_path, interim=Interim(("norm",), measure, keep)
    )
    assert list(kept) == [75, 150, 300]
    found = [(int(row["step"]), row["norm"]) for row in rows(tmp_path) if row["norm"]]
    assert [step for step, _ in found] == [250, 500, 600]
    assert [value for _, value in found] == [f"{float(x.norm()):.6g}" for x in asked]
    assert torch.equal(asked[-1], average["layers.0.weight"])
    assert not torch.equal(kept[300]["layers.0.weight"], average["layers.0.weight"])


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    with pytest.raises(UsageError, match=r"another training \(lr, seed, source\)"):
        train(tmp_path, replace(CONFIG, lr=1.0, seed=2, source="other data"))
    other = nn.Linear(4, 1)
    with pytest.raises(UsageError, match="bias"):
        fit(other, lambda batch, generator: other(batch["x"]).sum(), Points(), CONFIG, tmp_path)


def test_a_broken_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / CHECKPOINT).write_bytes(b"not safetensors")
    with pytest.raises(StorageError, match=CHECKPOINT):
        train(tmp_path)


def test_a_diverged_training_is_never_stored(tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(Pi0benchError, match="not finite"):
        fit(net, lambda b, g: net.loss(b, g) * float("nan"), Points(), CONFIG, tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    net = Net()
    with pytest.raises(UsageError, match="0 items"):
        fit(net, net.loss, Points(0), CONFIG, tmp_path)
