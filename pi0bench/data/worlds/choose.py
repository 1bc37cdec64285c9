"""Which world suites, or a file of demonstrations, are of."""

from __future__ import annotations

from collections.abc import Sequence

from pi0bench.data.worlds.world import World
from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.errors import UsageError
from pi0bench.robosuite.task_spec import SOURCE


def world_of(suites: Sequence[str]) -> str:
    """The engine in which suites are demonstrated.

    Raises:
        UsageError: they are not of one world.
    """
    if SOURCE not in suites:
        return "mujoco"
    if set(suites) != {SOURCE}:
        raise UsageError(f"--suite: {SOURCE} is a world of its own; name it alone")
    return SOURCE


def make(engine: str, control_hz: int = DEFAULT_HZ) -> World:
    """The world of an engine, and of as many control steps a second where one can choose."""
    if engine == SOURCE:
        from pi0bench.data.worlds.robosuite import RobosuiteWorld

        return RobosuiteWorld()
    from pi0bench.data.worlds.tabletop import TabletopWorld

    return TabletopWorld(engine, control_hz)
