"""The head of average velocities: flow matching at first, and what it learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pi0bench.policy.heads import time_embedding
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.heads.head import Context, Target
from pi0bench.policy.heads.span_head import LEAST_ERROR, SpanHead, weighted_mean
from pi0bench.policy.heads.span_targets import SPAN_TARGETS, AverageVelocity, Spans
from tests.policy.conftest import HEAD_CONFIGS, HORIZON, ROWS, Small, noise, seeded, smooth

Make = Callable[..., Small]
EACH = pytest.mark.parametrize("target", SPAN_TARGETS)
START, END = torch.tensor([0.0, 0.2, 0.5, 0.9]), torch.tensor([1.0, 0.7, 0.75, 0.9])


def span_head(made: Small) -> SpanHead:
    assert isinstance(made.head, SpanHead)
    return made.head


def felt(made: Small) -> SpanHead:
    """Its head, to which the ends of spans are no longer all the same."""
    head = span_head(made)
    torch.nn.init.normal_(head.span_mlp_out.weight, std=head.width**-0.5, generator=seeded(9))
    return head


@EACH
@torch.no_grad()
def test_untrained_it_is_flow_matching(small: Make, target: str) -> None:
    made, flow = small({"kind": "span", "target": target}), small({"kind": "gaussian_path"})
    head, context, x = span_head(made), made.context(), noise(1)()
    assert isinstance(flow.head, GaussianPathHead)
    for name, weight in flow.head.named_parameters():
        assert torch.equal(head.get_parameter(name), weight), name
    found = head.average_velocity(context, x, START, END)
    assert torch.equal(found, head.predict(context, x, START))
    assert torch.equal(
        head.sample(context, noise(2), 3, "span").actions,
        head.sample(context, noise(2), 3, "euler").actions,
    )
    same = torch.equal(found, flow.head.predict(flow.context(), x, START))
    assert same is not SPAN_TARGETS[target].differentiates  # then its times have slow periods
    other = felt(made).average_velocity(context, x, START, END)
    assert (other - found).abs().amax((1, 2)).min() > 1e-2


@pytest.mark.parametrize("name", ["span", "mean_flow"])
def test_only_slow_periods_have_a_slope_that_differences_agree_with(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    made.trunk.double()
    made.head.double()
    made.prefix, made.state = made.prefix.double(), made.state.double()
    head, context, x = felt(made), made.context(), noise(1)().double()
    start, end = START.double().clamp(0.01, 0.95), torch.ones(ROWS).double()
    moves, step = torch.randn(x.shape, generator=seeded(4), dtype=torch.float64), 1e-3

    def u(x: Tensor, time: Tensor) -> Tensor:
        return head.average_velocity(context, x, time, end)

    with torch.no_grad():
        slope = torch.func.jvp(u, (x, start), (moves, torch.ones_like(start)))[1]
        ahead, back = (u(x + h * moves, start + h) for h in (step, -step))
    error = float(((ahead - back) / (2 * step) - slope).norm() / slope.norm())
    assert (error < 1e-3) is (name == "mean_flow")
    assert error < 1e-3 or error > 0.1


@EACH
def test_the_loss_is_that_of_spans_and_of_plain_flow_matching(
    small: Make, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = small({"kind": "span", "target": target, "share": 0.25})
    head, rule, draws = felt(made), SPAN_TARGETS[target], 5
    chunks = torch.arange(ROWS)[:, None, None] + smooth(1, seeded(7))
    valid = torch.ones(ROWS, HORIZON).bool()
    valid[2, 5:] = False
    trained: list[tuple[Tensor, ...]] = []
    helped: list[int] = []
    plain = head.average_velocity

    def spy(context: Context, x: Tensor, start: Tensor, end: Tensor) -> Tensor:
        guess = plain(context, x, start, end)
        if torch.is_grad_enabled():
            trained.append((context.state, x, start, end, guess))
        else:
            helped.append(len(x))
        return guess

    monkeypatch.setattr(head, "average_velocity", spy)
    wanted: list[Tensor] = []

    def recorded(u: AverageVelocity, spans: Spans) -> Tensor:
        wanted.append(rule.wanted(u, spans))
        return wanted[-1]

    monkeypatch.setitem(SPAN_TARGETS, target, replace(rule, wanted=recorded))
    loss = head.loss(made.context(), Target(chunks, valid), seeded(2), draws)
    [(states, x, start, end, guess)] = trained
    count, spans = ROWS * draws, ROWS * draws // 4
    assert len(x) == count
    assert helped == [spans] * (rule.evaluations - rule.differentiates)
    assert (end[:spans] > start[:spans]).all()
    assert torch.equal(end[spans:], start[spans:])
    rows = [int((made.state == state).all(1).nonzero()) for state in states]
    assert sorted(rows) == sorted([*range(ROWS)] * draws)
    assert rows != sorted(rows)
    data, counts = chunks[rows], valid[rows]
    at = start[:, None, None]
    velocity = (data - x) / (1 - at)  # of the straight line from noise through x to data
    assert not wanted[0].requires_grad
    goal = torch.cat([wanted[0], velocity[spans:]])
    expected = (guess - goal).square()[counts].mean()
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-5)


def test_rows_that_are_far_off_count_less() -> None:
    own = torch.tensor([0.04, 1.0, 25.0])
    error = own[:, None, None].expand(-1, HORIZON, 2).clone().requires_grad_()
    counts = torch.ones(3, HORIZON, 1).bool()
    counts[1, 3:] = False
    share = counts.sum((1, 2)) / counts.sum()
    for power in (0.0, 0.5, 1.0):
        weight = (own + LEAST_ERROR) ** -power
        found = weighted_mean(error, counts, power)
        torch.testing.assert_close(found, (share * weight * own).sum())
        (slope,) = torch.autograd.grad(found, error)  # the weights are no way to a smaller loss
        torch.testing.assert_close(slope.sum((1, 2)), share * weight)
        assert (slope[1, 3:] == 0).all()


@torch.no_grad()
def test_steps_are_spans_one_after_the_other(small: Make) -> None:
    made = small(HEAD_CONFIGS["span"])
    head, context, x = felt(made), made.context(), noise(3)()
    assert head.solvers[0] == "span"
    assert "euler" in head.solvers
    for start, end in ((0.0, 0.5), (0.5, 1.0)):
        ends = torch.full((ROWS,), start), torch.full((ROWS,), end)
        x = x + 0.5 * head.average_velocity(context, x, *ends)
    torch.testing.assert_close(made.sample(noise(3), 2), x)


@torch.no_grad()
def test_chosen_observations_are_the_repeated_ones(small: Make) -> None:
    made, x = small(HEAD_CONFIGS["span"]), noise(1, 2 * ROWS)()
    rows, time = torch.arange(ROWS).repeat_interleave(2), START.repeat(2)
    chosen, repeated = made.context().select(rows), made.context().repeat(2)
    head = span_head(made)
    assert torch.equal(head.predict(chosen, x, time), head.predict(repeated, x, time))


def test_slow_periods_are_whole_turns_at_least() -> None:
    assert min(time_embedding.SLOW_PERIODS) >= 1
    found = time_embedding.span_embedding(START, END, 16)
    assert found.shape == (ROWS, 16)
    assert len(found.unique(dim=0)) == ROWS


ONE_STEP = {"self_consistent": 0.75, "shortcut": 0.65, "mean_flow": 0.8, "improved_mean_flow": 0.8}
"""The least share of samples that one step takes to either side; OFP's are as often between."""


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(name, marks=() if name in ("flow", "self_consistent") else pytest.mark.slow)
        for name in ("flow", *SPAN_TARGETS)
    ],
)
def test_one_step_tells_two_modes_apart(small: Make, target: str) -> None:
    """Six of ten demonstrations go left, four right; one step of flow ends between them."""
    rows = 10
    way = torch.linspace(0.5, 1, HORIZON)[:, None].expand(HORIZON, 3)
    chunks = torch.tensor([-1.0] * 6 + [1.0] * 4)[:, None, None] * way
    power = 0.5 if "mean_flow" in target else 0.0
    span = {"kind": "span", "target": target, "adaptive_power": power}
    made = small({"kind": "gaussian_path"} if target == "flow" else span, rows=rows)
    made.prefix = made.prefix[:1].expand(rows, -1, -1)
    made.valid, made.state = made.valid[:1].expand(rows, -1), made.state[:1].expand(rows, -1)
    for rate, steps in ((3e-3, 300), (1e-3, 60), (3e-4, 60)):
        made.fit(Target(chunks, torch.ones(rows, HORIZON).bool()), steps, lr=rate)
    aside = {}
    for steps in (1, 2):
        found = torch.cat([made.sample(noise(seed, rows), steps) for seed in range(20)])
        along = (found * way).mean((1, 2)) / way.square().mean()
        aside[steps] = float((along.abs() > 0.5).double().mean())
    assert aside[2] > 0.85
    if target == "flow":
        assert aside[1] < 0.35
    else:
        assert aside[1] > ONE_STEP.get(target, 0.4)
