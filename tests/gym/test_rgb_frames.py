from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pi0bench.gym.rgb_frames import fitted, rgb

RED = np.full((4, 6, 3), (200, 0, 0), np.uint8)
GREY = np.full((4, 6), 200, np.uint8)
ALPHA = np.full((4, 6, 1), 255, np.uint8)


@pytest.mark.parametrize(
    ("drawn", "wanted"),
    [
        (RED, (200, 0, 0)),
        (np.concatenate([RED, ALPHA], axis=2), (200, 0, 0)),
        (RED.transpose(2, 0, 1), (200, 0, 0)),
        (GREY, (200, 200, 200)),
        (GREY[:, :, None], (200, 200, 200)),
        (GREY == 200, (255, 255, 255)),
        (RED / 255, (200, 0, 0)),
        ((RED / 255).astype(np.float32), (200, 0, 0)),
        (RED.astype(np.float64), (200, 0, 0)),
        (RED.astype(np.int64) + 100, (255, 100, 100)),
        (np.where(RED, np.nan, 0.5), (0, 128, 128)),
    ],
)
def test_pictures_of_any_kind_become_rgb(drawn: np.ndarray, wanted: tuple[int, ...]) -> None:
    picture = rgb(drawn)
    assert picture is not None
    assert (picture.shape, picture.dtype) == ((4, 6, 3), np.uint8)
    assert picture.flags.c_contiguous
    assert (picture == wanted).all()


@pytest.mark.parametrize(
    "drawn", [None, [RED], "red", np.zeros((0, 6, 3)), np.zeros((5, 6, 2)), np.zeros(5)]
)
def test_what_is_no_picture_is_none(drawn: Any) -> None:
    assert rgb(drawn) is None


def test_pictures_are_fitted_to_a_size() -> None:
    assert fitted(RED, 4, 6) is RED
    picture = fitted(RED, 6, 2)
    assert picture.shape == (6, 2, 3)
    assert (picture[:4] == RED[:, :2]).all()
    assert not picture[4:].any()
