"""Statistics of demonstrations by the names that LeRobot gives them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Statistics = dict[str, Any]
"""min, max, mean, std, q01 … q99, and count, as lists."""

_QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


def of_numbers(rows: NDArray[Any]) -> Statistics:
    """Of each column, (N, D) → lists of D; they are counted in rows."""
    exact = rows.astype(np.float64)
    found = {
        "min": exact.min(axis=0),
        "max": exact.max(axis=0),
        "mean": exact.mean(axis=0),
        "std": exact.std(axis=0),
        **{name: np.quantile(exact, share, axis=0) for name, share in _QUANTILES.items()},
    }
    return {**{name: value.tolist() for name, value in found.items()}, "count": [len(rows)]}


def levels(picture: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How many pixels of a picture, (side, side, 3), have each level of each colour, (3, 256)."""
    return np.stack([np.bincount(colour, minlength=256) for colour in picture.reshape(-1, 3).T])


def of_pictures(counts: NDArray[np.int64], pictures: int) -> Statistics:
    """Of each colour's levels from 0 to 1, as (3, 1, 1); they are counted in pictures.

    Args:
        counts: pixels by colour and level, (3, 256).
        pictures: how many pictures they are of.
    """
    level, pixels = np.arange(256), int(counts[0].sum())
    mean = counts @ level / pixels
    squares = (counts * (level - mean[:, None]) ** 2).sum(axis=1)
    found = {
        "min": _nth(counts, 0),
        "max": _nth(counts, pixels - 1),
        "mean": mean,
        "std": np.sqrt(squares / pixels),
        **{name: _quantile(counts, share * (pixels - 1)) for name, share in _QUANTILES.items()},
    }
    shaped = {name: (value / 255).reshape(3, 1, 1).tolist() for name, value in found.items()}
    return {**shaped, "count": [pictures]}


def _quantile(counts: NDArray[np.int64], place: float) -> NDArray[np.float64]:
    """Between the two levels that surround a place in the order of pixels, (3,)."""
    before = int(place)
    low, high = _nth(counts, before), _nth(counts, int(np.ceil(place)))
    return low + (place - before) * (high - low)


def _nth(counts: NDArray[np.int64], place: int) -> NDArray[np.float64]:
    """The level of the pixel at a place in the order of pixels, (3,)."""
    ends = np.cumsum(counts, axis=1)
    return np.array([np.searchsorted(row, place, side="right") for row in ends], np.float64)
