"""What observations can be: Gymnasium's spaces, with bounds that hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from pi0bench.envs import state_and_points
from pi0bench.envs.cameras import CAMERAS
from pi0bench.envs.content_models import colors
from pi0bench.task.start_states import Said
from pi0bench.task.task_spec import TaskSpec

_REACH_M = 1.5  # the lengths of the arm's links add up to 1.42 m
_LAG_M = 3.0  # the commanded position is hardly farther away than the arm reaches
_WIDTH_M = (
    -0.04,
    0.12,
)  # fingers that are hit leave their range of 0 to 0.08 by about a centimetre


def observation_space(task: TaskSpec, obs_mode: str, side: int) -> spaces.Dict:
    """The space of a task's observations in a mode, with pictures of `side` pixels."""
    texts = _wordings(task)
    parts: dict[str, spaces.Space[Any]] = {
        "proprio": _proprio(),
        "instruction": spaces.Text(max(map(len, texts)), charset=frozenset("".join(texts))),
        "instruction_utf8": spaces.Box(0, 255, (longest(task),), np.uint8),
    }
    far = state_and_points.FAR_M
    if obs_mode == "rgb":
        parts |= {name: spaces.Box(0, 255, (side, side, 3), np.uint8) for name in CAMERAS}
    elif obs_mode == "state":
        low = [-far] * 3 + [0, -1, -1, -1, -far] + [0] * 5
        high = [far] * 3 + [1, 1, 1, 1, far] + [1] * 5
        parts["objects"] = _box(low * len(task.objects), high * len(task.objects))
    else:
        low, high = [-far] * 3 + [0] * 3, [far] * 3 + [1] * 3
        parts["points"] = _box([low] * state_and_points.POINTS, [high] * state_and_points.POINTS)
    return spaces.Dict(parts)


def _proprio() -> spaces.Box:
    """Bounds of `pi0bench.envs.proprioception.proprio`, (13,)."""
    reach, lag, (shut, wide) = [_REACH_M] * 3, [_LAG_M] * 3, _WIDTH_M
    low = [*(-x for x in reach), *[-1] * 6, shut, *(-x for x in lag)]
    return _box(low, [*reach, *[1] * 6, wide, *lag])


def longest(task: TaskSpec) -> int:
    """Bytes of the longest wording of the instruction."""
    return max(len(text.encode()) for text in _wordings(task))


def utf8(text: str, length: int) -> NDArray[np.uint8]:
    """A text in UTF-8 with zeros behind it, (length,)."""
    return np.frombuffer(text.encode().ljust(length, b"\0"), np.uint8).copy()


def _wordings(task: TaskSpec) -> list[str]:
    """Every wording of the instruction, whatever the colours and sides."""
    said = [Said(color, side) for color in colors() for side in ("left", "right")]
    return [
        template.format(**{item.name: words for item in task.objects})
        for template in task.instructions
        for words in said
    ]


def _box(low: Any, high: Any) -> spaces.Box:
    return spaces.Box(np.array(low, np.float32), np.array(high, np.float32), dtype=np.float32)
