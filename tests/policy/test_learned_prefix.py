"""Flow matching that learns to begin with what is under way (training-time real-time chunking)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from pi0bench.errors import UsageError
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.gaussian_path import GaussianPath
from pi0bench.policy.heads.gaussian_path_options import GaussianPathOptions
from pi0bench.policy.heads.head import Target
from pi0bench.policy.policy_protocol import Committed
from tests.policy.conftest import DIM, HORIZON, ROWS, Small, space

OPTIONS = GaussianPathOptions(times="pi0", prefix=4)


def targets(rows: int = 64) -> Target:
    actions = torch.randn(rows, HORIZON, DIM, generator=torch.Generator().manual_seed(1))
    return Target(actions, torch.ones(rows, HORIZON, dtype=torch.bool))


def asked(options: GaussianPathOptions) -> tuple[list[tuple[torch.Tensor, torch.Tensor]], float]:
    """What a network is asked in training, and the loss of one that says nothing."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def predict(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        seen.append((x, time))
        return torch.zeros_like(x)

    generator = torch.Generator().manual_seed(0)
    loss = GaussianPath(options, space()).loss(predict, targets(), generator)
    return seen, float(loss)


def test_the_first_actions_are_given_as_often_at_each_number() -> None:
    [(x, time)], _ = asked(OPTIONS)
    given = time == 1
    assert torch.equal(x[given], targets().actions[given])
    counts = given.sum(1)
    assert set(counts.tolist()) == set(range(5))
    first = torch.arange(HORIZON) < counts[:, None]
    assert torch.equal(given, first), "only the first of them"
    rest = torch.where(given, time.amin(1, keepdim=True), time)
    assert torch.equal(rest, time.amin(1, keepdim=True).expand_as(time)), "one time for the rest"


def test_what_is_given_does_not_count() -> None:
    path = GaussianPath(OPTIONS, space())
    known: list[torch.Tensor] = []

    def right_but_where_given(x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        known.append(time)
        at = time.amin(1)[:, None, None]
        noise = (x - at * targets().actions) / (1 - at)
        right = targets().actions - noise
        return torch.where((time == 1)[..., None], torch.tensor(1e6), right)

    loss = path.loss(right_but_where_given, targets(), torch.Generator().manual_seed(0))
    assert float(loss) < 1e-6


def test_without_a_prefix_nothing_changes() -> None:
    [(_, time)], loss = asked(replace(OPTIONS, prefix=0))
    assert time.shape == (64,)
    assert loss == asked(GaussianPathOptions(times="pi0"))[1]


def guided(delay: int, there: int) -> Guidance:
    committed = Committed(np.full((there, DIM), 0.7), delay, HORIZON - 4, "prefix")
    return Guidance.of([(torch.from_numpy(committed.actions).float(), committed)] * ROWS, HORIZON)


def test_a_plan_begins_with_what_is_under_way_and_the_network_knows(
    small: Callable[..., Small],
) -> None:
    made = small({"kind": "gaussian_path", "prefix": 4})
    noise = torch.randn(ROWS, HORIZON, DIM, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        context = made.context()
        plain = made.head.sample(context, lambda: noise, 5, "euler").actions
        began = made.head.sample_guided(context, lambda: noise, 5, "euler", guided(3, 8)).actions
        first = made.head.sample_guided(context, lambda: noise, 5, "euler", guided(3, 0)).actions
    assert torch.equal(began[:, :3], torch.full_like(began[:, :3], 0.7))
    assert not torch.allclose(began[:, 3:], plain[:, 3:]), "the rest goes on from there"
    assert torch.equal(first, plain)


def test_a_number_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="-1 is negative"):
        GaussianPathOptions(prefix=-1)
