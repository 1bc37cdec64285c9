from __future__ import annotations

from collections.abc import Iterator

import pytest

from pi0bench.evaluate import task_tolerance
from pi0bench.evaluate.task_tolerance import Tolerance, tolerance
from pi0bench.task.expert.misjudged_world import Misjudgement
from pi0bench.task.task_files import task
from pi0bench.task.task_spec import TaskSpec


def known(monkeypatch: pytest.MonkeyPatch, least_mm: float, most_mm: float) -> list[int]:
    """Let episodes forgive errors that grow evenly from one to the other; those that are tried."""
    tried: list[int] = []

    def succeeds(spec: TaskSpec, engine: str, episode: int, error: Misjudgement) -> bool:
        tried.append(episode)
        forgives_m = (least_mm + (most_mm - least_mm) * (episode + 1) / 9) / 1000
        return (error.x_m**2 + error.y_m**2) ** 0.5 < forgives_m

    monkeypatch.setattr(task_tolerance, "_succeeds", succeeds)
    return tried


@pytest.mark.parametrize(("least_mm", "most_mm"), [(0.2, 0.6), (1, 3), (10, 20), (5, 55)])
def test_half_of_the_episodes_fail_at_the_tolerance(
    monkeypatch: pytest.MonkeyPatch, least_mm: float, most_mm: float
) -> None:
    known(monkeypatch, least_mm, most_mm)
    found = tolerance(task("stack_two_cubes"), "mujoco").distance_mm
    assert found is not None
    fourth, fifth = (least_mm + (most_mm - least_mm) * k / 9 for k in (4, 5))
    assert 0.9 * fourth < found < 1.1 * fifth


def test_what_never_matters_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, 100, 200)
    found = tolerance(task("stack_two_cubes"), "mujoco")
    assert found == Tolerance(None, None)
    assert str(found) == "more than 64 mm, more than 45 degrees"
    assert str(Tolerance(3.14159, 2.0)) == "3.1 mm, 2 degrees"
    assert Tolerance(3.14159, None).distance == "3.1 mm"
    assert Tolerance(3.14159, None).heading == "more than 45 degrees"


def test_no_episode_is_tried_once_it_is_decided() -> None:
    asked: list[bool] = []

    def tries(*results: bool) -> Iterator[bool]:
        for result in results:
            asked.append(result)
            yield result

    assert task_tolerance._more_than(2, tries(True, True, True, False, False), 5)
    assert len(asked) == 3
    assert not task_tolerance._more_than(2, tries(False, False, False, True, True), 5)
    assert len(asked) == 6


def test_errors_point_in_many_directions() -> None:
    errors = [task_tolerance._aside(k, 10.0) for k in range(8)]
    assert all(0.00999 < (e.x_m**2 + e.y_m**2) ** 0.5 < 0.01001 for e in errors)
    assert len({(e.x_m > 0, e.y_m > 0) for e in errors}) == 4


@pytest.mark.slow
def test_a_ring_needs_more_care_than_a_bowl() -> None:
    ring, bowl = (tolerance(task(name), "mujoco") for name in ("ring_on_tight_peg", "cube_in_bowl"))
    assert ring.distance_mm is not None
    assert bowl.distance_mm is not None
    assert 5 < ring.distance_mm < 15 < bowl.distance_mm < 60
