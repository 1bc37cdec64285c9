"""What the rest of pi0bench may ask of a physics engine, and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pi0bench.envs.pose import Array, Pose
from pi0bench.envs.scene import Scene

PHYSICS_HZ = 500


class EnvFault(RuntimeError):
    """A world cannot go on, and no action is to blame."""


class PhysicsFault(EnvFault):
    """The simulation diverged: positions or velocities are not finite any more."""


@dataclass(frozen=True)
class ArmState:
    """Measured joint angles in radians, (7,), and the opening between the finger pads in metres."""

    q_rad: Array
    width_m: float


class World(Protocol):
    """One scene in one engine. Stepping always advances by 1 / PHYSICS_HZ seconds."""

    scene: Scene

    def step(self, n: int) -> None:
        """Advance n physics steps.

        Raises:
            PhysicsFault: the engine reported or produced a state that is not finite.
        """
        ...

    def set_arm_target(self, q_rad: Array, width_m: float) -> None:
        """Set the targets of the joint servos, (7,), and of the gripper."""
        ...

    def arm(self) -> ArmState:
        """The measured arm."""
        ...

    def set_arm(self, q_rad: Array, width_m: float) -> None:
        """Put the arm there, at rest, with its targets."""
        ...

    def pose(self, name: str) -> Pose:
        """World pose of a body (its root link) or of a link of the robot."""
        ...

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body there, at rest."""
        ...

    def joint(self, name: str) -> float:
        """Where the joint of an object stands, metres or radians."""
        ...

    def set_joint(self, name: str, value: float) -> None:
        """Put an object's joint there, at rest."""
        ...

    def contact(self, a: str, b: str) -> bool:
        """True when the bodies (any of their links) or robot links touch."""
        ...

    def state(self) -> Any:
        """A snapshot from which the same actions lead to the same states, bit for bit."""
        ...

    def set_state(self, state: Any) -> None:
        """Return to a snapshot of this world."""
        ...

    def close(self) -> None:
        """Free the engine's memory."""
        ...
