"""Of several chunks the one that goes on best with the chunk before."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pi0bench.policy.chunk_choice import DECAY, DRAWS, Choice
from pi0bench.policy.heads.head import Sampled
from pi0bench.policy.policy_protocol import Committed

ROWS, H, A = 3, 8, 2


def committed(steps: int, level: float) -> tuple[torch.Tensor, Committed]:
    actions = np.full((steps, A), level)
    return torch.from_numpy(actions), Committed(actions, 1, 4, "choice")


def source(evaluations: int | torch.Tensor = 10):
    """Chunks of level 0, 1, 2, … in the order in which they are drawn."""
    drawn = iter(range(DRAWS))
    return lambda: Sampled(torch.full((ROWS, H, A), float(next(drawn))), evaluations)


def test_each_row_takes_the_chunk_nearest_to_what_it_goes_on_with() -> None:
    choice = Choice.of([committed(5, 3.2), committed(5, 11.0), committed(12, -4.0)])
    made = choice.sample(source(), lambda actions: actions)
    assert made.actions[:, 0, 0].tolist() == [3.0, 11.0, 0.0]
    assert made.evaluations == DRAWS * 10


def test_a_first_plan_is_the_first_that_is_drawn() -> None:
    choice = Choice.of([committed(0, 0.0)] * ROWS)
    made = choice.sample(source(torch.tensor([1, 2, 3])), lambda actions: actions)
    assert made.actions.abs().max() == 0
    assert made.evaluations.tolist() == [DRAWS, 2 * DRAWS, 3 * DRAWS]  # type: ignore[union-attr]


def test_near_steps_count_more_than_far_ones_and_those_beyond_not_at_all() -> None:
    old = torch.zeros(4, A)
    soon, late, beyond = torch.zeros(3, 1, H, A)
    soon[:, 0], late[:, 3], beyond[:, 4:] = 1.0, 1.0, 9.0
    choice = Choice([old])
    assert choice.best(torch.stack([soon, late])).item() == 1
    assert choice.best(torch.stack([soon, late, beyond])).item() == 2
    late[:, 3] = 1.01 / DECAY**3
    assert choice.best(torch.stack([soon, late])).item() == 0


@pytest.mark.parametrize("rows", [1, ROWS])
def test_distances_are_of_network_numbers(rows: int) -> None:
    choice = Choice.of([committed(5, 4.0)] * ROWS)
    made = choice.sample(source(), lambda actions: actions / 2)
    assert made.actions[:rows].unique().tolist() == [8.0]
