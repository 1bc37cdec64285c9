from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pi0bench.envs.render.presentation import PlainPresentation
from pi0bench.evaluate import hero_picture
from pi0bench.evaluate.hero_picture import hero, mosaic
from pi0bench.task.task_files import task


def test_a_mosaic_has_every_part_in_order() -> None:
    parts = [np.full((6, 8, 3), 10 * number, np.uint8) for number in range(4)]
    whole = mosaic(parts)
    assert whole.shape == (6 + 4 + 6, 3 * 8 + 2 * 4, 3)
    corners = [whole[0, 0], whole[0, 12], whole[0, 24], whole[10, 0]]
    assert [int(corner[0]) for corner in corners] == [0, 10, 20, 30]
    assert (whole[10:, 12:] == 255).all()


def test_a_hero_is_a_picture_and_a_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PICTURE_PX", "FILM_PX"):
        monkeypatch.setattr(hero_picture, name, (30, 40))
    monkeypatch.setattr(hero_picture, "presentation", lambda **_: (PlainPresentation(), "Plainly."))
    said: list[str] = []
    hero([task("reach_cube"), task("press_button")], tmp_path / "a.png", said.append)
    assert said == ["Plainly.", f"{tmp_path / 'a.png'}, {tmp_path / 'a.webp'}"]
    assert Image.open(tmp_path / "a.png").size == (84, 30)
    film = Image.open(tmp_path / "a.webp")
    assert film.size == (84, 30)
    assert 8 < getattr(film, "n_frames", 0) < 60  # equal frames become one
