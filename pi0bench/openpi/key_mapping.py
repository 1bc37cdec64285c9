"""From our observations to a server's keys and units, and from its actions to ours."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs.controller import MAX_SPEED_M_S, MAX_TURN_RAD_S
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, forward, tool_quat_wxyz
from pi0bench.envs.pose import vector_of, vector_of_quat
from pi0bench.errors import UsageError, unknown
from pi0bench.policy.policy_protocol import Observation

OWN = "pi0bench"
CONTROL_HZ = 20
_FOLDER = Path(__file__).parent / "mappings"
_CAMERAS = ("front", "wrist")
_TEXTS = ("instruction", "episode")
Array = NDArray[np.float64]

SOURCES: Mapping[str, Callable[[Observation], Any]] = {
    "proprio": lambda seen: seen.proprio,
    "joints_rad": lambda seen: _joints(seen),
    "tool_m": lambda seen: forward(_joints(seen)).pos_m,
    "tool_axis_angle_rad": lambda seen: vector_of_quat(tool_quat_wxyz(_joints(seen))),
    "fingers_m": lambda seen: np.array([1, -1]) * seen.proprio[9] / 2,
    "shut": lambda seen: 1 - seen.proprio[9:10] / MAX_WIDTH_M,
    "zeros_1": lambda seen: np.zeros(1),
    "step": lambda seen: np.array([seen.step]),
}
"""What a server's state can consist of, each (N,)."""


@dataclass(frozen=True)
class Action:
    """What a server's actions are.

    Attributes:
        kind: "pi0bench", ours, (H, 7 or more); "tool_delta", of the tool and a gripper, (H, 7);
            "joint_velocity", of seven joints and a gripper, (H, 8).
        move_m: of the tool in one of the server's control steps when a number is 1.
        turn_rad: and of the tool or, by a "joint_velocity", of a joint.
        control_hz: the server's control steps a second, which with these make speeds; each of its
            actions is carried out at its speed for one of our control steps.
        grip_open, grip_shut: the gripper's numbers.
    """

    kind: str
    move_m: float = MAX_SPEED_M_S / CONTROL_HZ
    turn_rad: float = MAX_TURN_RAD_S / CONTROL_HZ
    control_hz: float = CONTROL_HZ
    grip_open: float = 1.0
    grip_shut: float = -1.0


@dataclass(frozen=True)
class Dialect:
    """A server's keys and units.

    Attributes:
        summary: in a line, for whom it is.
        image_side: of the pictures that it wants, pixels.
        execute: actions of each chunk that are carried out.
        observation: its keys, nested as the server nests them, with what goes there: one camera,
            the instruction, the episode's name, or names of `SOURCES`, which are joined.
        action: what comes back.
        rotate_deg: how its pictures are turned, 0 or 180.
        channels_first: whether its pictures are (3, H, W).
    """

    summary: str
    image_side: int
    execute: int
    observation: Mapping[str, Any]
    action: Action
    rotate_deg: int = 0
    channels_first: bool = False

    def message(self, seen: Observation) -> dict[str, Any]:
        """What to send for an observation; no pictures for a policy that sees none."""
        return self._filled(self.observation, seen)

    def _filled(self, keys: Mapping[str, Any], seen: Observation) -> dict[str, Any]:
        unseen = set(_CAMERAS) - seen.images.keys()
        return {
            key: self._filled(of, seen) if isinstance(of, Mapping) else self._value(of, seen)
            for key, of in keys.items()
            if isinstance(of, Mapping) or of[0] not in unseen
        }

    def _value(self, names: Sequence[str], seen: Observation) -> Any:
        if names[0] in _TEXTS:
            return getattr(seen, names[0])
        if names[0] not in _CAMERAS:
            return np.concatenate([SOURCES[name](seen) for name in names]).astype(np.float32)
        image = seen.images[names[0]]
        image = image[::-1, ::-1] if self.rotate_deg == 180 else image
        return np.ascontiguousarray(image.transpose(2, 0, 1) if self.channels_first else image)

    def actions(self, answer: NDArray[Any], seen: Observation) -> Array:
        """Ours, (H, 7), of a server's, (H, A).

        Raises:
            ValueError: they are too few numbers.
        """
        needed = 8 if self.action.kind == "joint_velocity" else 7
        if answer.ndim != 2 or answer.shape[1] < needed:
            raise ValueError(f"actions: expected (H, {needed} or more), got {answer.shape}")
        asked = answer.astype(np.float64)
        return _KINDS[self.action.kind](asked, self.action, seen)


def _own(asked: Array, action: Action, seen: Observation) -> Array:
    return asked[:, :7]


def _tool_delta(asked: Array, action: Action, seen: Observation) -> Array:
    ours = asked[:, :7].copy()
    ours[:, :3] *= action.move_m * action.control_hz / MAX_SPEED_M_S
    ours[:, 3:6] *= action.turn_rad * action.control_hz / MAX_TURN_RAD_S
    ours[:, 6] = _grip(asked[:, 6], action)
    return ours


def _joint_velocity(asked: Array, action: Action, seen: Observation) -> Array:
    """Each velocity for one of our control steps, as the movement of the tool that it means."""
    ours = np.empty((len(asked), 7))
    joints, steps_rad = (
        _joints(seen),
        asked[:, :7] * action.turn_rad * action.control_hz / CONTROL_HZ,
    )
    for row, step_rad in zip(ours, steps_rad, strict=True):
        before, joints = forward(joints), joints + step_rad
        after = forward(joints)
        row[:3] = (after.pos_m - before.pos_m) * CONTROL_HZ / MAX_SPEED_M_S
        row[3:6] = vector_of(after.rot @ before.rot.T) * CONTROL_HZ / MAX_TURN_RAD_S
    ours[:, 6] = _grip(asked[:, 7], action)
    return ours


_KINDS = {OWN: _own, "tool_delta": _tool_delta, "joint_velocity": _joint_velocity}


def _grip(number: Array, action: Action) -> Array:
    """-1 shut to 1 open."""
    return 2 * (number - action.grip_shut) / (action.grip_open - action.grip_shut) - 1


def _joints(seen: Observation) -> Array:
    if seen.joints_rad is None:
        raise ValueError("this world does not tell the joints, which the mapping asks for")
    return np.asarray(seen.joints_rad, np.float64)


def dialects() -> tuple[str, ...]:
    """Names of the mappings that come with the benchmark."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def dialect(name: str) -> Dialect:
    """The mapping of that name, or of that file.

    Raises:
        UsageError: there is none, or it is wrong.
    """
    path = Path(name) if name.endswith(".toml") else _FOLDER / f"{name}.toml"
    if path.parent == _FOLDER and name not in dialects():
        raise UsageError(unknown("mapping", name, dialects()))
    return read_dialect(path)[0]


def read_dialect(path: Path, also: Sequence[str] = ()) -> tuple[Dialect, dict[str, Any]]:
    """The mapping of a file, and those of its tables that are for somebody `also` reading it.

    Raises:
        UsageError: there is none, or it is wrong.
    """
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        rest = {name: raw.pop(name) for name in also if name in raw}
        raw["action"] = Action(**raw["action"])
        found = Dialect(**raw)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no mapping: {error}") from None
    if problems := [*_problems(found)]:
        raise UsageError("\n".join(f"{path}: {problem}" for problem in problems))
    return found, rest


def _problems(found: Dialect) -> Iterator[str]:
    if found.action.kind not in _KINDS:
        yield f"action.kind: {unknown('kind', str(found.action.kind), _KINDS)}"
    for name in ("move_m", "turn_rad", "control_hz"):
        if not (_number(value := getattr(found.action, name)) and value > 0):
            yield f"action.{name}: a number above 0 would work, not {value!r}"
    grips = found.action.grip_open, found.action.grip_shut
    if not all(map(_number, grips)) or grips[0] == grips[1]:
        yield f"action: grip_open and grip_shut: two numbers would work, not {grips}"
    if found.rotate_deg not in (0, 180):
        yield f"rotate_deg: 0 or 180 would work, not {found.rotate_deg}"
    if not (isinstance(found.image_side, int) and 16 <= found.image_side <= 640):
        yield f"image_side: 16 to 640 would work, not {found.image_side}"
    if not (isinstance(found.execute, int) and found.execute >= 1):
        yield f"execute: 1 or more would work, not {found.execute}"
    known = (*_TEXTS, *_CAMERAS, *SOURCES)
    for key, names in _leaves(found.observation):
        if not isinstance(names, list) or not names:
            yield f"observation.{key}: a list of names would work, not {names!r}"
            continue
        for name in names:
            if name not in known:
                yield f"observation.{key}: {unknown('source', str(name), known)}"
        if len(names) > 1 and not SOURCES.keys() >= set(names):
            yield f"observation.{key}: a camera, the instruction and the episode stand alone"


def _number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and bool(np.isfinite(value))


def _leaves(keys: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for key, of in keys.items():
        if isinstance(of, Mapping):
            yield from _leaves(of, f"{within}{key}.")
        else:
            yield f"{within}{key}", of
