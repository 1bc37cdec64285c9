"""The cameras of robosuite's tasks, read from envs/scenes/robosuite.toml."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from pi0bench.envs.content_models import read
from pi0bench.envs.pose import Pose, look_at

SCENE = ("scenes", "robosuite.toml")


@dataclass(frozen=True, eq=False)
class MountedCamera:
    """A camera.

    Attributes:
        name: robosuite's.
        on_tool: whether it moves with the hand.
        pose: in the frame of the tool then, else of the robot's base.
        fovy_deg: its vertical field of view.
    """

    name: str
    on_tool: bool
    pose: Pose
    fovy_deg: float


@cache
def mounted() -> dict[str, MountedCamera]:
    """The front and the wrist camera, by our names."""
    return {
        name: MountedCamera(
            row["name"],
            row.get("mount") == "tool",
            look_at(row["eye_m"], row["target_m"], row["up"]),
            row["fovy_deg"],
        )
        for name, row in read(*SCENE)["camera"].items()
    }


def control_hz() -> int:
    """Actions a second."""
    return read(*SCENE)["control_hz"]
