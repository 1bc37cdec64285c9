"""What the rest of pi0bench may ask of a physics engine, and nothing more."""

from __future__ import annotations

from collections.abc import Sequence
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
    """The arm.

    Attributes:
        q_rad: measured joint angles, (7,).
        width_m: measured opening between the finger pads.
        wanted_width_m: the opening that the gripper is to reach.
    """

    q_rad: Array
    width_m: float
    wanted_width_m: float


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
        """World pose of a body (see `scene.Body.frame_link`) or of a link of the robot."""
        ...

    def root_pose(self, name: str) -> Pose:
        """World pose of a body's root link, which differs from its pose for carriages alone."""
        ...

    def set_pose(self, name: str, pose: Pose) -> None:
        """Put a body's root link there, at rest."""
        ...

    def velocity(self, name: str) -> Array:
        """How fast a body's frame moves, (3,), m/s."""
        ...

    def set_velocity(self, name: str, velocity_m_s: Array) -> None:
        """Let a free body move that fast, (3,), from now on, without turning."""
        ...

    def joints(self, name: str) -> Array:
        """Where the joints of an object stand, (joints,), metres or radians."""
        ...

    def set_joints(self, name: str, values: Sequence[float]) -> None:
        """Put an object's joints there, at rest."""
        ...

    def set_rests(self, name: str, values: Sequence[float]) -> None:
        """Let the springs of an object's joints pull there from now on."""
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
