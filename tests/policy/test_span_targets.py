"""Targets of average velocities against normal data, of which everything is known."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from pi0bench.policy.heads.span_head import span_steps
from pi0bench.policy.heads.span_sampling import LEVELS, REACH, any_span, draw
from pi0bench.policy.heads.span_targets import SPAN_TARGETS, AverageVelocity, Spans
from tests.policy.conftest import seeded

MEAN, STD = 0.7, 0.3
EXACT = [name for name in SPAN_TARGETS if name != "ofp"]


def sigma(time: Tensor) -> Tensor:
    """Standard deviation of x_t = (1 - t) noise + t data for data N(MEAN, STD²)."""
    return ((1 - time) ** 2 + (time * STD) ** 2).sqrt()


def velocity(x: Tensor, time: Tensor) -> Tensor:
    """The mean of data minus noise given x."""
    rate = (time * STD**2 - (1 - time)) / sigma(time) ** 2
    return MEAN + rate * (x - time * MEAN)


def exact(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """The average velocity of x (B, H, A): each keeps its distance from the mean in sigmas."""
    start, end = start[:, None, None], end[:, None, None]
    length = end - start
    rate = (sigma(end) / sigma(start) - 1) / torch.where(length == 0, 1, length)
    return torch.where(length == 0, velocity(x, start), MEAN + rate * (x - start * MEAN))


def spans(target: str, count: int = 500, shrink: float = 1.0) -> Spans:
    """Some, in double precision, with the mean of the velocities for a velocity."""
    start, length, share = (
        column.double() for column in draw(SPAN_TARGETS[target].law, count, seeded(0))
    )
    x = torch.randn(count, 2, 1, generator=seeded(1), dtype=torch.float64)
    x = start[:, None, None] * MEAN + sigma(start)[:, None, None] * x
    return Spans(x, velocity(x, start[:, None, None]), start, length, shrink * share)


def off(target: str, shrink: float = 1.0, u: AverageVelocity = exact) -> float:
    """Root mean square distance of a target from what it was fed, the exact average velocity."""
    some = spans(target, shrink=shrink)
    found = SPAN_TARGETS[target].wanted(u, some)
    return float((found - exact(some.x, some.start, some.end)).square().mean().sqrt())


@pytest.mark.parametrize("target", EXACT)
def test_the_exact_average_velocity_is_what_its_target_wants(target: str) -> None:
    assert off(target) < 1e-12


def test_one_step_flow_is_biased_by_the_square_of_its_first_part() -> None:
    errors = [off("ofp", shrink) for shrink in (1, 1 / 4, 1 / 16, 1 / 64)]
    for one, quarter in pairwise(errors[1:]):
        assert one / quarter == pytest.approx(16, rel=0.2)
    assert 1e-4 < errors[0] < 0.02


def test_parts_with_each_others_weights_are_not_the_span() -> None:
    some = spans("self_consistent")
    share, part = some.share[:, None, None], (some.share * some.length)[:, None, None]
    first = exact(some.x, some.start, some.middle)
    second = exact(some.x + part * first, some.middle, some.end)
    whole = exact(some.x, some.start, some.end)
    torch.testing.assert_close(share * first + (1 - share) * second, whole)
    swapped = (1 - share) * first + share * second
    assert (swapped - whole).square().mean().sqrt() > 0.1 * whole.square().mean().sqrt()


@pytest.mark.parametrize("target", ["mean_flow", "improved_mean_flow"])
def test_mean_flow_without_the_slope_in_time_is_wrong(target: str) -> None:
    def frozen(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
        return exact(x, start.detach(), end)

    assert off(target, u=frozen) > 0.1


@pytest.mark.parametrize("target", ["mean_flow", "ofp"])
def test_a_velocity_that_scatters_moves_the_mean_of_a_target_little(target: str) -> None:
    """Training knows data minus noise only, whose mean given x is the velocity."""
    some = spans(target, count=20)
    scatter = torch.randn(4000, 20, 2, 1, generator=seeded(2), dtype=torch.float64)
    scatter = torch.cat([scatter, -scatter])
    rule, total = SPAN_TARGETS[target], torch.zeros_like(some.x)
    for more in scatter:
        moved = Spans(some.x, some.velocity + more, some.start, some.length, some.share)
        total += rule.wanted(exact, moved)
    torch.testing.assert_close(total / len(scatter), rule.wanted(exact, some))


@pytest.mark.parametrize("steps", [1, 2, 3, 8])
def test_any_number_of_exact_spans_ends_in_the_data(steps: int) -> None:
    noise = torch.randn(9, 2, 1, generator=seeded(0), dtype=torch.float64)
    made = span_steps(exact, lambda: noise, steps)
    assert made.evaluations == steps
    torch.testing.assert_close(made.actions, MEAN + STD * noise)


def test_one_step_of_velocity_is_the_mean() -> None:
    noise = torch.randn(9, 2, 1, generator=seeded(0), dtype=torch.float64)
    made = span_steps(lambda x, start, _: exact(x, start, start), lambda: noise, 1)
    torch.testing.assert_close(made.actions, torch.full_like(noise, MEAN))


@pytest.mark.parametrize("target", SPAN_TARGETS)
def test_spans_lie_between_noise_and_data(target: str) -> None:
    law = SPAN_TARGETS[target].law
    start, length, share = draw(law, 100_000, seeded(0))
    assert start.min() >= 0
    assert length.min() > 0 or law is any_span
    assert (start + length).max() <= 1 + 1e-6
    assert share.min() >= 0
    assert share.max() <= {"ofp": REACH, "shortcut": 0.5}.get(target, 1)
    if target == "shortcut":
        counts = [(length == 2.0**-level).double().mean() for level in range(LEVELS)]
        assert counts == pytest.approx([1 / LEVELS] * LEVELS, abs=0.01)
        assert (start / length % 1 == 0).all()
    else:
        assert length.mean() == pytest.approx(1 / 2, abs=0.01)
        assert length.var() == pytest.approx(1 / 12, abs=0.005)
        assert (start / (1 - length)).mean() == pytest.approx(1 / 2, abs=0.01)
    again = draw(law, 9, seeded(1))
    assert all(map(torch.equal, again, draw(law, 9, seeded(1))))


def test_additivity_of_what_the_other_laws_rest_on() -> None:
    start, length, share = (c.double() for c in draw(any_span, 100, seeded(3)))
    middle, end = start + share * length, start + length
    x = torch.randn(100, 1, 1, generator=seeded(4), dtype=torch.float64)
    there = x + (middle - start)[:, None, None] * exact(x, start, middle)
    both = there + (end - middle)[:, None, None] * exact(there, middle, end)
    torch.testing.assert_close(both, x + length[:, None, None] * exact(x, start, end))
    assert math.isclose(float(sigma(torch.tensor(1.0))), STD, rel_tol=1e-6)
