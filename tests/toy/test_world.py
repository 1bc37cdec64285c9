from __future__ import annotations

import numpy as np
import pytest

from pi0bench.toy import world

MIDDLE = sum(world.WALL) / 2
WITHIN = MIDDLE + 0.01  # beyond the middle line, clear of rounding


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def judge_in_wall_axes(*points: tuple[float, float]) -> world.Outcome:
    """One path through points (along, across)."""
    places = world.in_room_axes(np.array(points))
    return world.judge(places[:1], places[None, 1:])


@pytest.mark.parametrize("count", [1, 7, 5000])
def test_demonstrations_reach_the_goal_and_have_the_stated_split(count: int) -> None:
    shown = world.demonstrate(world.draw_starts(count, rng()), rng(1))
    outcome = world.judge(shown.starts, shown.paths)
    assert outcome.succeeded.all()
    assert not outcome.touched.any()
    assert (outcome.upper == shown.upper).all()
    assert shown.upper.sum() == round(world.UPPER_SHARE * count)
    assert shown.paths.shape == (count, world.WAYPOINTS, 2)
    assert np.linalg.norm(shown.starts - world.START, axis=1).max() <= world.SCATTER


def test_the_mean_of_the_demonstrations_drives_into_the_wall() -> None:
    shown = world.demonstrate(world.draw_starts(5000, rng()), rng(1))
    mean = np.broadcast_to(shown.paths.mean(axis=0), shown.paths.shape)
    assert world.judge(shown.starts, mean).touched.all()


def test_a_demonstration_is_a_function_of_its_seed() -> None:
    starts = world.draw_starts(5, rng())
    same, again, other = (world.demonstrate(starts, rng(s)).paths for s in (1, 1, 2))
    assert np.array_equal(same, again)
    assert not np.array_equal(same, other)


def test_the_axes_of_the_wall_and_of_the_room_are_inverse() -> None:
    points = rng().normal(size=(9, 4, 2))
    np.testing.assert_allclose(world.in_room_axes(world.in_wall_axes(points)), points)
    np.testing.assert_allclose(world.in_wall_axes(np.array([1.0, 1.0])), [2**0.5, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("points", "contact", "upper"),
    [
        # Straight through the middle; through the gaps; in the wall, from the side; round a corner.
        ([(0.0, 0.0), (2 * MIDDLE, 0.0)], world.WALL[0] / (2 * MIDDLE), False),
        ([(0.0, 0.3), (2 * MIDDLE, 0.3)], np.inf, True),
        ([(0.0, -0.3), (2 * MIDDLE, -0.3)], np.inf, False),
        ([(0.0, 0.0), (MIDDLE, 0.3), (2 * MIDDLE, 0.0)], np.inf, True),
        ([(0.0, 0.0), (0.0, 0.3), (WITHIN, 0.3), (WITHIN, 0.1)], 2.5, True),
        ([(0.0, 0.39), (2 * MIDDLE, 0.41)], 0.5, True),
        ([(0.0, 5.0), (2 * MIDDLE, 5.0)], world.WALL[0] / (2 * MIDDLE), True),
        ([(0.5, -1.0), (0.5, 1.0)], np.inf, False),
        ([(WITHIN, -0.3), (WITHIN, 0.3)], 1 / 6, False),
        ([(0.5, 0.0), (0.5, 0.0)], np.inf, False),
        ([(MIDDLE, 0.0), (MIDDLE, 0.0)], 0.0, False),
    ],
)
def test_where_a_path_touches_the_wall(
    points: list[tuple[float, float]], contact: float, upper: bool
) -> None:
    outcome = judge_in_wall_axes(*points)
    assert outcome.contact[0] == pytest.approx(contact)
    assert outcome.upper[0] == upper


def test_contact_agrees_with_many_points_on_random_paths() -> None:
    starts, paths = rng().uniform(0, 1, (300, 2)), rng(1).uniform(0, 1, (300, 3, 2))
    points = np.concatenate([starts[:, None], paths], axis=1)
    share = np.linspace(0, 1, 2001)[:, None]
    lines = points[:, :-1, None] + share * (points[:, 1:, None] - points[:, :-1, None])
    along, across = np.moveaxis(world.in_wall_axes(lines), -1, 0)
    solid = np.any([(low <= across) & (across <= high) for low, high in world.BLOCKS], axis=0)
    inside = solid & (world.WALL[0] <= along) & (along <= world.WALL[1])
    dense = inside.any(axis=(1, 2))
    found = world.judge(starts, paths)
    assert 30 < dense.sum() < 290
    assert (found.touched == dense).mean() > 0.99  # a corner may be cut between two points
    assert found.touched[dense].all()


def test_success_needs_the_goal() -> None:
    gap = world.in_room_axes(np.array([MIDDLE, 0.3]))
    paths = np.array([[gap, world.GOAL], [gap, (1.0, 1 - 1.01 * world.ARRIVED)]])
    outcome = world.judge(np.zeros((2, 2)), paths)
    assert outcome.arrived.tolist() == [True, False]
    assert outcome.succeeded.tolist() == [True, False]
