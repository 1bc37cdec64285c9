"""Pictures as environments draw them, made RGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.render.renderer_protocol import Image


def rgb(drawn: Any) -> Image | None:
    """A picture, (H, W, 3) uint8, of one that is grey, RGB or RGBA, in bytes or numbers to 1.

    Args:
        drawn: (H, W) or (H, W, 1, 3 or 4), or channels first; anything else is no picture.
    """
    picture: NDArray[Any] = drawn if isinstance(drawn, np.ndarray) else np.zeros(())
    if picture.ndim == 2:
        picture = picture[:, :, None]
    if picture.ndim == 3 and picture.shape[2] not in (1, 3, 4):
        picture = picture.transpose(1, 2, 0)
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or not picture.size:
        return None
    colors = _bytes(picture)[:, :, :3]
    return np.ascontiguousarray(np.broadcast_to(colors, (*colors.shape[:2], 3)))


def _bytes(picture: NDArray[Any]) -> Image:
    if picture.dtype == np.uint8:
        return picture
    levels = np.nan_to_num(picture.astype(np.float64), nan=0.0, posinf=255.0, neginf=0.0)
    if picture.dtype.kind in "fb" and levels.max() <= 1:
        levels = 255 * levels
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def fitted(picture: Image, height: int, width: int) -> Image:
    """A picture cut, or with black to its right and below it, to (height, width, 3)."""
    if picture.shape[:2] == (height, width):
        return picture
    room, part = np.zeros((height, width, 3), np.uint8), picture[:height, :width]
    room[: part.shape[0], : part.shape[1]] = part
    return room
