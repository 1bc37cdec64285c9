from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi0bench.evaluate.frame_recorder import FPS, Film

LINGER = 5


class Clock:
    """An episode whose picture shows how many steps it has made."""

    def __init__(self, control_hz: int) -> None:
        self.control_hz, self.steps, self.side = control_hz, 0, 2

    def frame(self, *_: object) -> Any:
        return np.full((self.side, self.side, 3), self.steps, np.uint8)


def filmed(control_hz: int, steps: int) -> list[int]:
    env, film = Clock(control_hz), Film(None)
    film(env, False)  # pyright: ignore[reportArgumentType]
    for step in range(1, steps + 1):
        env.steps = step
        film(env, step == steps)  # pyright: ignore[reportArgumentType]
    return [int(frame[0, 0, 0]) for frame in film.frames()]


@pytest.mark.parametrize("steps", range(1, 22))
@pytest.mark.parametrize("control_hz", [1, 3, 4, 7, 10, 15, 20, 25, 29, 30, 50, 60, 100])
def test_films_end_on_the_last_state_and_play_at_the_right_speed(
    control_hz: int, steps: int
) -> None:
    frames = filmed(control_hz, steps)
    assert frames[-LINGER - 1 :] == [steps] * (LINGER + 1)
    played = frames[:-LINGER]
    assert played == sorted(played)
    assert abs(len(played) / FPS - (steps / control_hz + 1 / FPS)) <= 1 / FPS
    if control_hz <= FPS:
        assert set(played) == set(range(steps + 1))
    for number, step in enumerate(played[:-1]):
        assert abs(step / control_hz - number / FPS) < max(1 / control_hz, 1 / FPS)


def test_at_twenty_hertz_every_second_state_is_filmed() -> None:
    assert filmed(20, 6) == [0, 2, 4, 6, *[6] * LINGER]
    assert filmed(20, 7) == [0, 2, 4, 6, 7, *[7] * LINGER]


def test_the_last_state_is_filmed_once() -> None:
    env, film = Clock(20), Film(None)
    film(env, False)  # pyright: ignore[reportArgumentType]
    film(env, True)  # pyright: ignore[reportArgumentType]
    assert len(film.frames()) == 1 + LINGER


def test_a_film_has_one_size() -> None:
    env, film = Clock(10), Film(None)
    film(env, False)  # pyright: ignore[reportArgumentType]
    env.steps, env.side = 1, 3
    film(env, True)  # pyright: ignore[reportArgumentType]
    assert {frame.shape for frame in film.frames()} == {(2, 2, 3)}
