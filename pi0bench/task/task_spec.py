"""What a task file says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pi0bench.content.toml_errors import Range
from pi0bench.task.call_parser import Call, Rule
from pi0bench.task.scripts import SCRIPTS
from pi0bench.task.scripts.script import Script


@dataclass(frozen=True)
class Place:
    """Where an object may start: uniform ranges in the base frame, metres and degrees.

    Attributes:
        z_m: height of its frame, where it is not what stands on the table or on another object.
        roll_deg: about its own x axis, before it is turned by `yaw_deg`.
        joint_at: where its first joint starts, metres or radians.
        speed_m_s: of its driven joints.
        either_way: of these ranges, "roll_deg" or "speed_m_s", the sign is drawn too.
        on: the object on whose top it stands, if it is not the table.
        within: the container at whose middle it stands, wherever that is.
        apart_m: from its footprint to others', in place of what fingers need.
    """

    x_m: Range
    y_m: Range
    z_m: Range | None = None
    roll_deg: Range = (0.0, 0.0)
    yaw_deg: Range = (0.0, 0.0)
    joint_at: Range = (0.0, 0.0)
    speed_m_s: Range = (0.0, 0.0)
    either_way: tuple[str, ...] = ()
    on: str = ""
    within: str = ""
    apart_m: float | None = None

    @property
    def base(self) -> str:
        """The object that carries it, if it is not the table."""
        return self.on or self.within


@dataclass(frozen=True)
class ObjectSpec:
    """An object of a task.

    Attributes:
        color: one, which it has; or several, of which one is drawn that no other object has.
        like: the object whose colour it shares, if any.
        side: "left" or "right" as the robot sees it, where the task's side can be mirrored.
    """

    name: str
    model: str
    place: Place
    color: tuple[str, ...] = ()
    like: str = ""
    side: str = ""


@dataclass(frozen=True)
class Start:
    """Where the gripper starts, pointing down: tool position and uniform spread each way."""

    tcp_m: tuple[float, float, float]
    spread_m: tuple[float, float, float]
    spread_yaw_deg: float


@dataclass(frozen=True)
class ScriptSpec:
    """What happens by itself: a kind of `SCRIPTS`, or "" for nothing, and the objects of it."""

    kind: str = ""
    things: tuple[str, ...] = ()

    def make(self) -> Script:
        """A script that has not begun."""
        return SCRIPTS.get(self.kind, Script)(self.things)


@dataclass(frozen=True)
class Way:
    """One of the right ways to do a task; most tasks have one.

    Attributes:
        plan: the expert's skills, of which the last whose conditions hold acts.
        stages: calls whose first truths, in order, give partial credit.
        goal: calls that must all be true.
    """

    plan: tuple[Rule, ...]
    stages: tuple[Call, ...]
    goal: tuple[Call, ...]


@dataclass(frozen=True)
class TaskSpec:
    """A task.

    Attributes:
        id: the file's name; a task whose difficulty changes gets a new one.
        hash: of the file's bytes, and of others' objects and colours in it, 12 hex digits.
        tags: the suites that it belongs to.
        hold_s: how long the goal must hold, at the end, to count.
        ceiling_m: height that the commanded tool never exceeds; None for the workspace's own.
        mirrored: in every second start state, what is left is right: y, every heading and roll,
            and every speed along y are negated.
        ways: the right ways to do it; the goal is reached when one way's is.
        modes: a name and a call for each choice that can be told apart; an episode took the
            first whose call came true.
        score: a measure in [0, 1] whose greatest value is the partial credit, in place of stages.
    """

    id: str
    path: Path
    hash: str
    summary: str
    version: int
    tags: tuple[str, ...]
    max_s: float
    hold_s: float
    ceiling_m: float | None
    mirrored: bool
    instructions: tuple[str, ...]
    ways: tuple[Way, ...]
    modes: tuple[tuple[str, Call], ...]
    score: Call | None
    objects: tuple[ObjectSpec, ...]
    start: Start
    script: ScriptSpec = ScriptSpec()
