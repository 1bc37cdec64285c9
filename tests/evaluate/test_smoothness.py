from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs.controller import MAX_SPEED_M_S
from pi0bench.evaluate.smoothness import smoothness as measured


def along_x(*speeds: float) -> np.ndarray:
    """Actions along x at these fractions of the greatest speed, (N, 7)."""
    return np.array([[speed, 0, 0, 0.3, 0, 0, 1.0] for speed in speeds])


def smoothness(chunks: list[np.ndarray]) -> tuple[float | None, float | None]:
    return measured(chunks, 20, MAX_SPEED_M_S)


def test_an_even_motion_has_no_jerk_and_no_jump() -> None:
    assert smoothness([along_x(0.1, 0.2), along_x(0.3, 0.4)])[0] == pytest.approx(0, abs=1e-9)
    assert smoothness([along_x(0.5, 0.5), along_x(0.5, 0.5)]) == (0, 0)


def test_jerk_is_the_second_difference_of_velocity() -> None:
    jerk, jump = smoothness([along_x(0, 0, 0.1)])
    assert jerk == pytest.approx(0.1 * MAX_SPEED_M_S * 20**2)
    assert jump is None


def test_a_jump_is_the_change_of_velocity_between_chunks() -> None:
    _, jump = smoothness([along_x(0, 0.9), along_x(0.4, 0), along_x(0.1)])
    assert jump == pytest.approx((0.5 + 0.1) / 2 * MAX_SPEED_M_S)


def test_too_little_says_nothing() -> None:
    assert smoothness([]) == (None, None)
    assert smoothness([along_x(1, 0)]) == (None, None)
