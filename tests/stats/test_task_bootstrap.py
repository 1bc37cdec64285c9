from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from pi0bench.stats.task_bootstrap import hierarchical, stratified


def test_the_seed_decides() -> None:
    tasks = [[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]
    assert stratified(tasks, 3) == stratified(tasks, 3)
    assert hierarchical(tasks, 3) == hierarchical(tasks, 3)
    rng = np.random.default_rng(0)
    uneven = [rng.random(7).tolist() for _ in range(3)]
    assert stratified(uneven, 3) != stratified(uneven, 4)


def test_the_ends_are_those_of_the_normal_law_where_that_holds() -> None:
    rng = np.random.default_rng(1)
    tasks = rng.normal(size=(4, 400))
    found = stratified(tasks.tolist(), 0)
    half = 1.96 * np.sqrt(sum(task.var() / 400 for task in tasks)) / 4
    assert found.low == pytest.approx(tasks.mean() - half, abs=0.003)
    assert found.high == pytest.approx(tasks.mean() + half, abs=0.003)


def test_other_tasks_are_less_certain_than_these() -> None:
    tasks = [[0.1, -0.1] * 20, [0.6, 0.4] * 20, [0.9, 1.1] * 20]
    these, others = stratified(tasks, 0), hierarchical(tasks, 0)
    assert these.high - these.low < 0.06
    assert others.high - others.low > 0.5


@pytest.mark.parametrize(("interval", "spread"), [(stratified, 0.0), (hierarchical, 0.5)])
def test_it_covers_what_it_is_about(interval: Callable, spread: float) -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for seed in range(200):
        centres = spread * rng.normal(size=12)
        tasks = centres[:, None] + rng.normal(size=(12, 20))
        found = interval(tasks.tolist(), seed, draws=1000)
        covered += found.low <= 0 <= found.high
    assert covered >= 0.90 * 200  # it aims at 95 %
