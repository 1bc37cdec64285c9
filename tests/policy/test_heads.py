"""Laws that hold for every head."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.policy.heads import HEADS, build_head
from pi0bench.policy.heads.head import Target
from tests.policy.conftest import (
    DIM,
    HEAD_CONFIGS,
    HORIZON,
    ROWS,
    Small,
    noise,
    seeded,
    smooth,
    space,
)

Make = Callable[..., Small]
REGRESSION = ("bc", "bc_flow", "straight", "residual")
"""What learns the mean."""
TWO_PASSES = ("mip", "two_stage", "residual")
DETERMINISTIC = ("bc", "bc_flow", "residual", "mip", "rt1", "masked", "openvla", "fast")
DRAW_NOTHING = ("bc", "bc_flow", "mixture", "rt1", "openvla", "fast")
"""What learns without noise and times."""
EACH = pytest.mark.parametrize("name", HEAD_CONFIGS)
SLOWLY = ("ofp", "shortcut", "mean_flow", "improved_mean_flow", "dense_jump")
SLOWLY += ("masked_drawn", "energy_score", "span", "nflow")
"""Half a minute or a minute each."""
EACH_QUICKLY = pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in SLOWLY else ()) for n in HEAD_CONFIGS]
)
LONG = {"nflow": 1000, "span": 1200, "shortcut": 800, "ofp": 800}
LONG |= {"dense_jump": 1000, "masked_drawn": 1000, "energy_score": 1000}


def all_valid(chunks: Tensor) -> Target:
    return Target(chunks, torch.ones(chunks.shape[:2]).bool())


def test_every_kind_of_head_is_among_the_tested_ones() -> None:
    assert {config["kind"] for config in HEAD_CONFIGS.values()} == set(HEADS)


@EACH
def test_permuting_the_batch_permutes_the_samples(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    order = torch.tensor([2, 0, 3, 1])
    plain = made.sample(noise(5), 3)
    draw = noise(5)
    mixed = made.sample(lambda: draw()[order], 3, order)
    torch.testing.assert_close(mixed, plain[order], atol=1e-4, rtol=1e-4)


@EACH
def test_the_same_noise_gives_the_same_sample(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    first = made.sample(noise(5), 3)
    assert first.shape == (ROWS, HORIZON, DIM)
    assert torch.equal(first, made.sample(noise(5), 3))
    other = made.sample(noise(6), 3)
    assert torch.equal(first, other) is (name in DETERMINISTIC)


@EACH
def test_no_solver_leads_far_from_what_is_usual(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    for solver in made.head.solvers:
        found = made.head.sample(made.context(), noise(5), 5, solver).actions
        assert found.abs().max() < 20, solver


@EACH
def test_the_loss_is_a_function_of_its_generator(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    target = all_valid(smooth(ROWS, seeded(7)))
    losses = [made.head.loss(made.context(), target, seeded(s), 2).item() for s in (1, 1, 2)]
    assert losses[0] == losses[1]
    assert (losses[0] == losses[2]) is (name in DRAW_NOTHING)


@EACH
def test_what_does_not_count_changes_no_loss(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    target = all_valid(smooth(ROWS, seeded(7)))
    target.valid[1], target.valid[2, 5:] = False, False
    other = Target(target.actions.clone(), target.valid)
    other.actions[1], other.actions[2, 5:] = 0.3, -0.6
    losses = [made.head.loss(made.context(), t, seeded(1), 2).item() for t in (target, other)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    nothing = Target(target.actions, torch.zeros_like(target.valid))
    assert made.head.loss(made.context(), nothing, seeded(1), 2) == 0


@EACH
def test_evaluations_are_counted(small: Make, name: str) -> None:
    made = small(HEAD_CONFIGS[name])
    counted = torch.as_tensor(made.sampled(noise(5), 3).evaluations)
    if name == "fast":  # a row ends with its sequence
        assert counted.shape == (ROWS,)
        assert 1 <= counted.min() <= counted.max() <= made.head.tokenizer.max_length  # type: ignore[attr-defined]
    else:
        known = {**dict.fromkeys(TWO_PASSES, 2), "openvla": HORIZON * DIM}
        known["energy_based"] = 2 + 3 * 16
        free = 3 if made.head.solvers else 1
        assert (counted == known.get(name, free)).all()


@EACH_QUICKLY
def test_every_head_learns_one_batch_by_heart(small: Make, name: str) -> None:
    chunks = smooth(ROWS, seeded(11))
    made = small(HEAD_CONFIGS[name], chunks.repeat(4, 1, 1))
    losses = made.fit(all_valid(chunks), steps=250)
    if name != "energy_based":  # the better its proposal is, the harder is the ranking
        assert sum(losses[-10:]) < 0.5 * sum(losses[:10])
    error = (made.sample(noise(9)) - chunks).square().mean().sqrt()
    assert error < 0.25 * chunks.square().mean().sqrt()


@EACH_QUICKLY
def test_two_modes_are_told_apart_by_all_but_regression(small: Make, name: str) -> None:
    """Six of ten demonstrations go left, four right; their mean, where nobody goes, is -0.2."""
    rows = 10
    side = torch.tensor([-1.0] * 6 + [1.0] * 4)[:, None, None]
    chunks = side * torch.linspace(0.5, 1, HORIZON)[:, None].expand(HORIZON, DIM)
    made = small(HEAD_CONFIGS[name], chunks, rows)
    made.prefix = made.prefix[:1].expand(rows, -1, -1)
    made.valid, made.state = made.valid[:1].expand(rows, -1), made.state[:1].expand(rows, -1)
    made.fit(all_valid(chunks), steps=LONG.get(name, 400))
    found = made.sample(noise(3, rows))
    far = torch.minimum(
        (found - chunks[0]).abs().amax((1, 2)), (found - chunks[-1]).abs().amax((1, 2))
    )
    reached = (far < 0.35).float().mean()
    if name in REGRESSION:
        assert reached == 0
        assert found.mean() == pytest.approx(chunks.mean().item(), abs=0.1)
    elif name != "two_stage":  # its second pass begins where no demonstration led
        assert reached >= 0.9
    if name in ("energy_score", "mixture", "masked_drawn"):
        many = torch.cat([made.sample(noise(seed, rows)) for seed in range(30)])
        assert (many.mean((1, 2)) > 0).float().mean() == pytest.approx(0.4, abs=0.15)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "regresion"}, 'head.kind: no head "regresion"; did you mean "regression"?'),
        ({}, 'head.kind: no head "None"; known: energy_based, energy_score'),
        ({"kind": "gaussian_path", "pth": 1}, 'head.pth: unknown key; did you mean "path"?'),
        ({"kind": "gaussian_path", "path": "vpp"}, 'head.path: no path "vpp"; did you mean "vp"?'),
        ({"kind": "gaussian_path", "times": "pi"}, 'head.times: no times "pi"'),
        (
            {"kind": "gaussian_path", "sampler": "reverse_sde"},
            '"reverse_sde" does not go with path "linear", target "velocity" and times "uniform"; '
            "these do: euler",
        ),
        ({"kind": "gaussian_path", "coupling": "reflow"}, "head.teacher: reflow has a teacher"),
        (
            {"kind": "span", "target": "mean_flw"},
            'head.target: no target "mean_flw"; did you mean "mean_flow"?',
        ),
        ({"kind": "span", "share": 1.0}, "head.share: 1.0 is not between 0 and 1, such as 0.5"),
        ({"kind": "span", "share": "half"}, "head.share: must be a number; got half"),
        ({"kind": "span", "adaptive_power": 2.0}, "head.adaptive_power: 2.0 is not from 0 to 1"),
        ({"kind": "span", "steps": 0}, "head.steps: 0 is not a number of sampler steps from 1"),
        ({"kind": "span", "path": "vp"}, "head.path: unknown key; known: target, share"),
        (
            {"kind": "gaussian_path", "times": "start"},
            '"euler" does not go with path "linear", target "velocity" and times "start"; '
            "these do: one_pass",
        ),
        (
            {"kind": "gaussian_path", "coupling": "own_guess"},
            'head.coupling: "own_guess" is of two passes; set times = "two_point"',
        ),
        ({"kind": "mixture", "modes": 0}, "head.modes: 0 is no number of modes; give 1 or more"),
        ({"kind": "mixture", "min_std": 0}, "head.min_std: 0 is no floor; give more than 0"),
        (
            {"kind": "masked_tokens", "temperature": -1},
            "head.temperature: -1 is no temperature; give 0 or more",
        ),
        ({"kind": "parallel_tokens", "bins": "rt2"}, 'head.bins: no rule of bins "rt2"'),
        ({"kind": "token_sequence", "codec": "slow"}, 'head.codec: no codec "slow"'),
        ({"kind": "token_sequence", "horizon": 9}, "head.horizon: 9 is not from 1 to 8"),
        ({"kind": "token_sequence", "codec": "fast"}, "fast needs the tokenizer"),
    ],
)
def test_a_wrong_head_says_what_would_work(config: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as error:
        build_head(config, space(), 32, {})
    assert message in str(error.value)
