"""Where a flat block can be pushed with the shut fingers, and where one or two pushes bring it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.pose import Array
from pi0bench.envs.scene import Body

REACH_M = 0.0105  # from the tool to the face that both shut fingers share, ahead and behind
_HALF_FACE_M = 0.015  # half the width of that face
_SEAM_M = 0.006  # from the seam between the fingers to a corner, which would wedge them open
_SPACING_M = 0.016
_DISC_M = 0.042  # greatest moment over greatest force of the friction below the block
_LENGTHS_M = np.array([1, 2, 3, 5, 7, 10, 14, 20, 28, 40, 56, 80]) / 1000
_ARM_M = 0.045  # what a radian of heading is worth
_PUSH_M_S = 0.08
_CHANGE_S = 1.5  # from one place to another
_NEVER_S = 1000.0
_SECONDS_PER_M = 400.0  # what is still missing after the pushes, in time
Floats = NDArray[np.float32]
Rectangle = tuple[float, float, float, float]
"""Centre x, y and half lengths along x, y."""


@dataclass(frozen=True, eq=False)
class Pushes:
    """What can be done to a block, in its own frame, metres and radians.

    Attributes:
        point_m: places to push, (N, 2).
        inward: unit vectors into the block there, (N, 2), along which it is pushed.
        once: x, y and turn of the block after a push, (N * L, 3): every place, every length.
        twice: the same after two pushes, (N * L, N * L, 3).
    """

    point_m: Array
    inward: Array
    once: Floats
    twice: Floats

    def best(self, at_m: Array, yaw_rad: float) -> tuple[Array, Array]:
        """The length of the best push at each place, (N,), and the time then needed, (N,).

        Args:
            at_m: the block in the frame of where it shall go, (2,).
            yaw_rad: its heading there.
        """
        c, s = np.cos(yaw_rad), np.sin(yaw_rad)
        from_m = np.array([c * at_m[0] + s * at_m[1], c * at_m[1] - s * at_m[0]], np.float32)
        push_s = np.tile(_LENGTHS_M / _PUSH_M_S, len(self.point_m)).astype(np.float32)
        first = _SECONDS_PER_M * _error_m(self.once, from_m, yaw_rad)
        second = _SECONDS_PER_M * _error_m(self.twice, from_m, yaw_rad) + push_s
        needed = push_s + np.minimum(first, _CHANGE_S + second.min(axis=1))
        idle = _CHANGE_S + np.min(push_s + first)  # when only one push follows, anywhere
        needed = np.where(needed < idle, needed, _NEVER_S)  # else it would put the good one off
        needed = needed.reshape(len(self.point_m), len(_LENGTHS_M))
        chosen = np.argmin(needed, axis=1)
        return _LENGTHS_M[chosen], np.min(needed, axis=1).astype(np.float64)


def pushes(block: Body) -> Pushes:
    """The pushes of a block that is one link of upright boxes."""
    boxes = ((*g.pose.pos_m[:2], *g.size_m[:2]) for g in block.links[0].geoms)
    return _pushes(tuple((float(x), float(y), float(a), float(b)) for x, y, a, b in boxes))


@lru_cache(maxsize=4)
def _pushes(boxes: tuple[Rectangle, ...]) -> Pushes:
    places = [place for box in boxes for place in _places(box, boxes)]
    point, inward = np.array([p for p, _ in places]), np.array([n for _, n in places])
    once = _moved(point, inward)
    x, y, turn = once.T[:, :, None]
    c, s = np.cos(turn), np.sin(turn)
    u, v, more = once.T[:, None, :]
    twice = np.stack([x + c * u - s * v, y + s * u + c * v, turn + more], -1)
    return Pushes(point, inward, once.astype(np.float32), twice.astype(np.float32))


def _places(box: Rectangle, boxes: tuple[Rectangle, ...]) -> list[tuple[Array, Array]]:
    """Points on the sides of one box, and the ways in, where no other box leaves no room."""
    centre, half = np.array(box[:2]), np.array(box[2:])
    places = []
    for axis, sign in product((0, 1), (1.0, -1.0)):
        out, across = np.zeros(2), np.zeros(2)
        out[axis], across[1 - axis] = sign, 1.0
        hand = np.abs(out) * REACH_M + across * (_HALF_FACE_M + 0.003)
        side = np.arange(-half[1 - axis] + _SEAM_M, half[1 - axis] - _SEAM_M, 0.001)
        points = [centre + out * half[axis] + across * offset for offset in side]
        free = [p for p in points if _clear(p + out * (REACH_M + 0.001), hand, boxes)]
        count = 1 + round(len(free) * 0.001 / _SPACING_M)
        chosen = np.linspace(0, len(free) - 1, count).round().astype(int) if free else []
        places += [(free[i], -out) for i in chosen]
    return places


def _clear(tool: Array, hand: Array, boxes: tuple[Rectangle, ...]) -> bool:
    """True when a rectangle of half lengths `hand` round the tool meets none of the boxes."""
    return all(np.any(np.abs(tool - b[:2]) > np.array(b[2:]) + hand) for b in boxes)


def _moved(point_m: Array, inward: Array) -> Array:
    """How the block moves for each place and length: x, y and turn in its frame, (N * L, 3).

    The fingers' face touches with the end that is nearer to the block's centre, and sticks.

    Source: Lynch, Maekawa and Tanie 1992, the limit surface as an ellipsoid.
    """
    across = np.stack([-inward[:, 1], inward[:, 0]], 1)
    aside = np.sum(point_m * across, 1)
    aside = np.sign(aside) * np.maximum(np.abs(aside) - _HALF_FACE_M, 0.0)
    depth = np.sum(point_m * inward, 1)
    share = _DISC_M**2 + aside**2 + depth**2
    ahead = (_DISC_M**2 + depth**2) / share  # along the way in, for a metre of push
    beside = aside * depth / share
    turn = np.outer(-aside / share, _LENGTHS_M)  # (N, L)
    arc = np.sinc(turn / 2 / np.pi) * _LENGTHS_M  # the chord of the arc that it goes along
    c, s = np.cos(turn / 2) * arc, np.sin(turn / 2) * arc
    x, y = (inward * ahead[:, None] + across * beside[:, None]).T[:, :, None]
    return np.stack([c * x - s * y, s * x + c * y, turn], -1).reshape(-1, 3)


def _error_m(motion: Floats, from_m: Floats, yaw_rad: float) -> Floats:
    """What is missing after a motion: distance and turn, as one length; (…, 3) → (…)."""
    turn = motion[..., 2] + np.float32(yaw_rad)
    turn = turn - np.float32(2 * np.pi) * np.rint(turn / np.float32(2 * np.pi))
    away = (motion[..., 0] + from_m[0]) ** 2 + (motion[..., 1] + from_m[1]) ** 2
    return np.sqrt(away + (np.float32(_ARM_M) * turn) ** 2)
