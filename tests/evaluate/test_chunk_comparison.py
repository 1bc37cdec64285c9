"""Chunks of few steps beside those of many."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pi0bench.evaluate.cells import Settings, expand
from pi0bench.evaluate.chunk_comparison import DRAWS, STATES, conditions, energy_distance, probe
from pi0bench.policy.policy_protocol import Traits
from pi0bench.task.task_files import task


def cells(**change: Any) -> tuple[Any, ...]:
    traits = {
        "scripted": Traits(steps=10, solvers=("euler", "heun")),
        "expert": Traits(),
    }
    settings = Settings(("scripted", "expert"), ("reach_cube",), **{"steps": (1, 10), **change})
    return expand(settings, traits, [task("reach_cube")])


def test_only_what_has_several_step_counts_is_compared() -> None:
    groups = conditions(cells(solvers=("euler", "heun")))
    assert [[(c.policy, c.solver, c.steps) for c in group] for group in groups] == [
        [("scripted", "euler", 1), ("scripted", "euler", 10)],
        [("scripted", "heun", 1), ("scripted", "heun", 10)],
    ]
    assert conditions(cells(steps=(5,))) == []


def test_distances_are_those_of_the_chunks(scripted: Callable[..., Any]) -> None:
    def off(observations: Any, noise: Any, steps: int) -> Any:
        shift = {1: 0.3, 10: 0.0, 100: 0.0}[steps]
        return np.stack([rng.normal(0, 0.01, (16, 7)) + shift for rng in noise])

    few, many = probe(conditions(cells())[0], scripted(off), task("reach_cube"), None)
    assert (few.steps, many.steps, few.states, few.draws) == (1, 10, STATES, DRAWS)
    assert few.rmse == pytest.approx(0.3)
    assert few.energy_distance > 10 * many.energy_distance
    assert many.rmse == 0


def test_the_energy_distance_tells_distributions_apart() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, (2, 400, 3))
    far = rng.normal(2, 1, (400, 3))
    assert energy_distance(a, b) < 0.2
    assert energy_distance(a, far) > 1
    assert energy_distance(a, far) == pytest.approx(energy_distance(far, a))
    point, other = np.zeros((2, 1)), np.full((2, 1), 3.0)
    assert energy_distance(point, other) == pytest.approx(6**0.5)
