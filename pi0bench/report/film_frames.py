"""Frames of a film, composed: the scene, in a corner what the policy sees, below it the words."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

WIDTH_PX = 384
"""Smaller pictures are enlarged by a whole factor until they are about this wide."""

MARGIN_PX = 8
FONT_PX = 14
_LINE_PX = 20
_EYE_PX = 80
_RIM_PX = 2
_PAPER, _INK, _DIM = (24, 24, 28), (240, 240, 240), (170, 172, 178)
_OUTCOMES = {True: (110, 214, 130), False: (240, 120, 104)}


def composed(
    picture: Image,
    eyes: Mapping[str, Image],
    words: tuple[str, ...],
    standing: str,
    success: bool | None,
) -> Image:
    """A whole frame, (H, W, 3), both sides even, as video needs.

    Args:
        picture: the scene, (h, w, 3).
        eyes: what the policy saw last, by camera; empty for none.
        words: what is said all the time, wrapped: what is asked, and which episode it is.
        standing: how far it is, or how it ended, on one line.
        success: how it ended, for the colour of that; None while it runs.
    """
    scale = max(1, round(WIDTH_PX / picture.shape[1]))
    large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    _inset(large, list(eyes.values()))
    strip = caption(words, standing, success, large.shape[1], large.shape[0] % 2)
    large = np.pad(large, ((0, 0), (0, strip.shape[1] - large.shape[1]), (0, 0)))
    return np.concatenate([large, strip])


def lingering(frames: Iterator[Image], count: int) -> Iterator[Image]:
    """The frames, the last of them so many times more."""
    frame = None
    for frame in frames:
        yield frame
    if frame is not None:
        yield from [frame] * count


def _inset(large: Image, eyes: Sequence[Image]) -> None:
    """Put small pictures beside each other into the upper right corner, with a rim."""
    from PIL import Image as pil

    each = _EYE_PX + 2 * _RIM_PX + MARGIN_PX // 2
    left = max(MARGIN_PX, large.shape[1] - MARGIN_PX // 2 - len(eyes) * each)
    for eye in eyes:
        side = _EYE_PX, _EYE_PX
        small = np.asarray(pil.fromarray(np.ascontiguousarray(eye)).resize(side), np.uint8)
        framed = np.full((_EYE_PX + 2 * _RIM_PX, _EYE_PX + 2 * _RIM_PX, 3), 255, np.uint8)
        framed[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX] = small
        room = large[MARGIN_PX : MARGIN_PX + len(framed), left : left + len(framed)]
        room[:] = framed[: room.shape[0], : room.shape[1]]
        left += each


@functools.lru_cache(maxsize=16)
def caption(
    words: tuple[str, ...], standing: str, success: bool | None, width: int, odd: int
) -> Image:
    """Draw the words, light on dark: (h, w, 3), w even, h even or odd to make the sum even."""
    from PIL import Image as pil
    from PIL import ImageDraw, ImageFont

    font = ImageFont.load_default(FONT_PX)
    room = width - 2 * MARGIN_PX
    ink = _DIM if success is None else _OUTCOMES[success]
    lines = [
        (line, _DIM if number else _INK)
        for number, text in enumerate(words)
        for line in wrapped(text, room, font)
    ]
    lines.append((standing, ink))
    height = MARGIN_PX + _LINE_PX * len(lines)
    image = pil.new("RGB", (width + width % 2, height + odd), _PAPER)
    pen = ImageDraw.Draw(image)
    for number, (line, color) in enumerate(lines):
        pen.text((MARGIN_PX, MARGIN_PX // 2 + number * _LINE_PX), line, color, font)
    return np.asarray(image, dtype=np.uint8)


def wrapped(text: str, width: int, font: object) -> list[str]:
    """A text in lines no wider than `width` in a font of PIL's, where its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:  # type: ignore[attr-defined]
            lines.append(word)
        else:
            lines[-1] = longer
    return [line for line in lines if line]
