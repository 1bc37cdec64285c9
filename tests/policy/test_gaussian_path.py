"""Paths, times and the one head that flow matching and diffusion share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounter

from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context, Target
from pi0bench.policy.heads.noise_schedules import NOISE_SCHEDULES, SquaredCosine
from pi0bench.policy.heads.time_embedding import flow_time_embedding
from pi0bench.policy.heads.time_sampling import TIME_DISTRIBUTIONS
from tests.policy.conftest import HEAD_CONFIGS, ROWS, Small, noise, seeded, smooth

Make = Callable[..., Small]


@pytest.mark.parametrize("name", NOISE_SCHEDULES)
def test_a_path_ends_in_data_and_its_slopes_are_its_derivatives(name: str) -> None:
    path = NOISE_SCHEDULES[name]()
    signal, level = path.coefficients(torch.tensor([0.0, 1.0]).double())
    assert signal[1] == pytest.approx(1, abs=1e-6)
    assert level[1] == pytest.approx(0, abs=1e-3)
    assert signal[0] == pytest.approx(0, abs=1e-2)
    assert level[0] == pytest.approx(1, abs=1e-4)
    assert (signal[0] == 0) == path.starts_in_noise
    time = torch.linspace(0.05, 0.95, 19).double()
    for before, after, slope in zip(
        path.coefficients(time - 1e-5),
        path.coefficients(time + 1e-5),
        path.derivatives(time),
        strict=True,
    ):
        torch.testing.assert_close((after - before) / 2e-5, slope, rtol=1e-4, atol=1e-6)


def test_the_squared_cosine_is_the_product_of_the_published_betas() -> None:
    def bar(at: float) -> float:
        return math.cos((at + 0.008) / 1.008 * math.pi / 2) ** 2

    levels, product = SquaredCosine.LEVELS, 1.0
    for k in range(levels):
        product *= 1 - min(1 - bar((k + 1) / levels) / bar(k / levels), 0.999)
        signal, _ = SquaredCosine().coefficients(torch.tensor(1 - (k + 1) / levels))
        assert signal.double() ** 2 == pytest.approx(product, rel=1e-4)


def test_time_laws_match_their_closed_forms() -> None:
    n = 200_000
    uniform = TIME_DISTRIBUTIONS["uniform"].draw(n, seeded(0))
    beta = (1 - TIME_DISTRIBUTIONS["pi0"].draw(n, seeded(0)) - 0.001) / 0.999
    levels = TIME_DISTRIBUTIONS["levels"].draw(n, seeded(0))
    assert uniform.mean() == pytest.approx(1 / 2, abs=0.003)
    assert uniform.var() == pytest.approx(1 / 12, abs=0.001)
    assert beta.mean() == pytest.approx(0.6, abs=0.003)
    assert beta.var() == pytest.approx(1.5 / (2.5**2 * 3.5), abs=0.001)
    assert (beta < 0.25).double().mean() == pytest.approx(0.25**1.5, abs=0.003)
    assert torch.equal(levels.mul(100).round().unique(), torch.arange(100.0))
    assert set(TIME_DISTRIBUTIONS["two_point"].draw(n, seeded(0)).unique().tolist()) == {
        0.0,
        torch.tensor(0.9).item(),
    }


@pytest.mark.parametrize("name", TIME_DISTRIBUTIONS)
def test_every_time_law_stays_in_range_and_follows_its_generator(name: str) -> None:
    law = TIME_DISTRIBUTIONS[name]
    ends = law.quantile(torch.tensor([0.0, 1 - 2**-24]))
    assert ends.min() >= 0
    assert ends.max() < 1
    assert (law.weight(ends) > 0).all()
    assert torch.equal(law.draw(9, seeded(3)), law.draw(9, seeded(3)))
    assert torch.equal(law.draw(9, seeded(3)), law.draw(9, seeded(4))) is (name == "start")


def test_the_time_embedding_is_the_published_one() -> None:
    time = torch.tensor([0.0, 0.3, 0.999])
    found = flow_time_embedding(time, 8)
    for row, s in enumerate(1 - time.double()):
        for j in range(4):
            angle = 2 * math.pi * float(s) / (4e-3 * 1000 ** (j / 3))
            assert found[row, j] == pytest.approx(math.sin(angle), abs=1e-9)
            assert found[row, j + 4] == pytest.approx(math.cos(angle), abs=1e-9)


def path_head(made: Small) -> GaussianPathHead:
    assert isinstance(made.head, GaussianPathHead)
    return made.head


@torch.no_grad()
def test_flipping_the_time_changes_the_prediction(small: Make) -> None:
    made = small(HEAD_CONFIGS["flow"])
    x, time = noise(1)(), torch.full((ROWS,), 0.2)
    ahead = path_head(made).predict(made.context(), x, time)
    back = path_head(made).predict(made.context(), x, 1 - time)
    assert (ahead - back).abs().max() > 1e-2


@torch.no_grad()
def test_one_euler_step_is_the_noise_plus_the_first_velocity(small: Make) -> None:
    made, start = small(HEAD_CONFIGS["flow"]), noise(1)()
    first = path_head(made).predict(made.context(), start, torch.zeros(ROWS))
    torch.testing.assert_close(made.sample(noise(1), 1), start + first)


@pytest.mark.parametrize("name", ["flow", "pi0", "ddpm", "sde", "mip"])
def test_the_loss_is_the_weighted_masked_mean_over_draws(
    small: Make, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = small(HEAD_CONFIGS[name])
    head = path_head(made)
    target = Target(smooth(ROWS, seeded(7)), torch.ones(ROWS, 8).bool())
    target.valid[0, 5:] = False
    target.valid[3] = False
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    predict = head.predict

    def spy(context: Context, x: Tensor, time: Tensor) -> Tensor:
        guess = predict(context, x, time)
        guess.retain_grad()
        seen.append((guess, x, time))
        return guess

    monkeypatch.setattr(head, "predict", spy)
    loss = head.loss(made.context(), target, seeded(2), draws=3)
    loss.backward()
    [(guess, x, time)] = seen
    mask, data = target.valid.repeat_interleave(3, 0), target.actions.repeat_interleave(3, 0)
    at, schedule = time[:, None, None], head.path.options.schedule
    (signal, level), (rise, fall) = schedule.coefficients(at), schedule.derivatives(at)
    noise_in_x = (x - signal * data) / level
    wanted = {
        "velocity": rise * data + fall * noise_in_x,
        "noise": noise_in_x,
        "data": data,
    }[head.path.options.target]
    expected = ((guess - wanted).square() * head.path.options.time_distribution.weight(at))[
        mask
    ].mean()
    torch.testing.assert_close(loss, expected, rtol=2e-3, atol=1e-4)
    assert guess.grad is not None
    assert (guess.grad[~mask] == 0).all()
    assert (guess.grad[mask] != 0).all()
    if name != "mip":
        assert len(time.unique()) > 6


def test_reflow_learns_from_the_noise_that_it_is_given(small: Make) -> None:
    config: dict[str, Any] = {"kind": "gaussian_path", "coupling": "reflow", "teacher": "flow"}
    made = small(config)
    chunks, valid = smooth(ROWS, seeded(7)), torch.ones(ROWS, 8).bool()
    paired = noise(1)()
    losses = []
    for own in (paired, paired, -paired):
        target = Target(chunks, valid, own)
        losses.append(made.head.loss(made.context(), target, seeded(2), 2).item())
    assert losses[0] == losses[1] != losses[2]


@torch.no_grad()
def test_from_zeros_every_draw_gives_one_chunk(small: Make) -> None:
    made = small({**HEAD_CONFIGS["flow"], "start": "zero"})
    assert torch.equal(made.sample(noise(1), 3), made.sample(noise(2), 3))


def test_a_step_is_compiled_once_whatever_its_number(small: Make) -> None:
    made = small(HEAD_CONFIGS["pi0"])
    graphs = CompileCounter()
    step = torch.compile(path_head(made).predict, backend=graphs, fullgraph=True)
    context, x = made.context(), noise(1)()
    with torch.inference_mode():
        for i in range(6):
            time = torch.full((ROWS,), i / 6)
            assert torch.equal(step(context, x, time), path_head(made).predict(context, x, time))
    assert graphs.frame_count == 1
