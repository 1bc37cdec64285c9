"""Chunks that are drawn to those before, on paths whose best estimates are known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance, gradient_gain, step_weights
from pi0bench.policy.heads.denoiser import Denoiser, Estimate
from pi0bench.policy.heads.head import Target
from pi0bench.policy.heads.noise_schedules import NOISE_SCHEDULES, NoiseSchedule
from pi0bench.policy.heads.sampler_registry import SAMPLERS
from pi0bench.policy.policy_protocol import Committed
from tests.policy.conftest import DIM, HEAD_CONFIGS, HORIZON, ROWS, Small
from tests.policy.conftest import noise as head_noise

H, A = 16, 3
OFF = 0.7
FREE = [name for name, kind in SAMPLERS.items() if not kind.fixed_steps]
FITTING = [
    (path, name)
    for path in NOISE_SCHEDULES
    for name in FREE
    if not (SAMPLERS[name].divides_by_alpha and NOISE_SCHEDULES[path]().starts_in_noise)
]


GUIDABLE = ("flow", "dense_jump", "pi0", "ddpm", "sde", "noise")
GUIDABLE += ("span", "ofp", "shortcut", "mean_flow", "improved_mean_flow")


def gaussian(schedule: NoiseSchedule) -> Denoiser:
    """The best estimate where chunks are smooth: a Gaussian whose steps are correlated."""
    steps = torch.arange(H, dtype=torch.float64)
    covariance = torch.exp(-((steps[:, None] - steps) ** 2) / 32) + 0.05 * torch.eye(H).double()

    def denoise(x: Tensor, time: float) -> Estimate:
        at = torch.tensor(time, dtype=torch.float64)
        (alpha, sigma), (d_alpha, d_sigma) = schedule.coefficients(at), schedule.derivatives(at)
        total = alpha**2 * covariance + sigma**2 * torch.eye(H).double()
        data = alpha * covariance @ torch.linalg.solve(total, x)
        noise = sigma * torch.linalg.solve(total, x)
        return Estimate(data, noise, d_alpha * data + d_sigma * noise)

    return denoise


def noise(rows: int = 4) -> Callable[[], Tensor]:
    rng = np.random.default_rng(3)
    return lambda: torch.from_numpy(rng.standard_normal((rows, H, A)))


def guidance(kind: Literal["soft", "hard"], delay: int, rows: int = 4, there: int = 8) -> Guidance:
    committed = Committed(np.full((there, A), OFF), delay, H - 8, kind)
    return Guidance.of([(torch.from_numpy(committed.actions), committed)] * rows, H)


def sampled(path: str, sampler: str, guide: Guidance | None = None, rows: int = 4) -> Tensor:
    schedule = NOISE_SCHEDULES[path]()
    denoise, run = gaussian(schedule), SAMPLERS[sampler]
    steps = 100 if sampler == "reverse_sde" else 10  # as many as its card takes
    with torch.no_grad():
        if guide is None:
            return run(denoise, schedule, noise(rows), steps).actions
        made = run(guide.around(denoise, schedule), schedule, noise(rows), steps)
        return guide.filled(made.actions)


def far(chunks: Tensor, steps: slice) -> float:
    return float((chunks[:, steps] - OFF).square().mean().sqrt())


@pytest.mark.parametrize(("path", "sampler"), FITTING)
def test_a_stronger_gradient_comes_nearer_to_what_is_carried_out(path: str, sampler: str) -> None:
    guide = guidance("soft", 4)
    strengths = [Guidance(guide.chunk, guide.weights, hard=False, most=m) for m in (0.0, 0.5, 5.0)]
    none, weak, strong = (far(sampled(path, sampler, one), slice(0, 4)) for one in strengths)
    assert strong < weak < none
    assert strong < 0.5 * none


@pytest.mark.parametrize(("path", "sampler"), FITTING)
def test_what_is_given_is_there_in_the_end_and_the_rest_follows(path: str, sampler: str) -> None:
    plain, given = sampled(path, sampler), sampled(path, sampler, guidance("hard", 4))
    assert far(given, slice(0, 4)) == 0
    assert far(given, slice(4, 5)) < 0.7 * far(plain, slice(4, 5))


@pytest.mark.parametrize("sampler", FREE)
@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_without_a_chunk_before_nothing_is_drawn_anywhere(
    kind: Literal["soft", "hard"], sampler: str
) -> None:
    guide = guidance(kind, 4, there=0)
    assert not guide.weights.any()
    path = "vp" if SAMPLERS[sampler].divides_by_alpha else "linear"
    assert torch.equal(sampled(path, sampler, guide), sampled(path, sampler))


def test_a_row_is_guided_by_its_own_chunk_alone() -> None:
    alone, beside = guidance("soft", 4), guidance("soft", 4)
    beside.weights[1] = 0
    beside.chunk[2] = -1
    one, other = (sampled("linear", "euler", guide) for guide in (alone, beside))
    assert torch.equal(one[[0, 3]], other[[0, 3]])
    assert torch.equal(other[1], sampled("linear", "euler")[1])


def test_the_gradient_counts_as_in_the_paper_on_the_linear_path() -> None:
    for t, wanted in ((0.1, 9.11), (0.2, 4.25), (0.5, 2.0), (0.8, 4.25), (0.9, 9.11)):
        assert gradient_gain(t, 1 - t, 1e9) / (1 - t) == pytest.approx(wanted, abs=0.01)
        assert gradient_gain(t, 1 - t, 5.0) / (1 - t) == pytest.approx(min(5, wanted), abs=0.01)
    assert gradient_gain(0.0, 1.0, 5.0) == 5.0


def test_steps_are_drawn_fully_then_ever_less_then_freely() -> None:
    committed = Committed(np.zeros((11, A)), 3, 8, "soft")
    weights = step_weights(committed, 11, H)
    assert weights[:3] == [1, 1, 1]
    assert weights[8:] == [0] * 8, "the end is where the next look is free, not where it lasts to"
    shared = weights[3:8]
    assert shared == sorted(shared, reverse=True)
    c = 5 / 6
    assert shared[0] == pytest.approx(c * (np.exp(c) - 1) / (np.e - 1))
    assert step_weights(Committed(np.zeros((8, A)), 3, 8, "hard"), 8, H) == [1] * 3 + [0] * 13
    assert step_weights(Committed(np.zeros((2, A)), 3, 8, "soft"), 2, H)[2:] == [0] * 14


def test_the_gradient_is_through_the_network() -> None:
    """The estimate at t = 0.5 is moved by the transposed Jacobian of the estimate itself."""
    schedule, guide = NOISE_SCHEDULES["linear"](), guidance("soft", 4)
    denoise, x = gaussian(schedule), noise()()
    with torch.no_grad():
        made = guide.around(denoise, schedule)(x, 0.5).data
    jacobian = torch.autograd.functional.jacobian(
        lambda column: denoise(column[None, :, None], 0.5).data[0, :, 0], x[0, :, 0]
    )
    plain = denoise(x, 0.5).data
    off = guide.weights * (guide.chunk - plain)
    gain = gradient_gain(0.5, 0.5, 5.0)
    assert isinstance(jacobian, Tensor)
    torch.testing.assert_close(made, plain + gain * torch.einsum("hk,bha->bka", jacobian, off))


@pytest.mark.parametrize("name", HEAD_CONFIGS)
def test_each_head_is_guided_or_says_that_nothing_guides_it(
    name: str, small: Callable[..., Small]
) -> None:
    made = small(HEAD_CONFIGS[name])
    head, shape = made.head, (ROWS, HORIZON, DIM)
    assert head.guidable == (name in GUIDABLE)
    solver = head.solvers[0] if head.solvers else ""

    def guided(weights: Tensor) -> Tensor:
        guide = Guidance(torch.full(shape, OFF), weights, hard=False)
        with torch.no_grad():
            draw = head_noise(3)
            return head.sample_guided(made.context(), draw, 4, solver, guide).actions

    if not head.guidable:
        with pytest.raises(UsageError, match=f"{type(head).__name__}: nothing guides it"):
            guided(torch.zeros(ROWS, HORIZON, 1))
        return
    chunks = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    made.fit(Target(chunks, torch.ones(shape[:2]).bool()), steps=60)
    with torch.inference_mode():
        plain = head.sample(made.context(), head_noise(3), 4, solver).actions
    assert torch.equal(guided(torch.zeros(ROWS, HORIZON, 1)), plain)
    drawn = guided(torch.ones(ROWS, HORIZON, 1))
    assert far(drawn, slice(None)) < far(plain, slice(None))
