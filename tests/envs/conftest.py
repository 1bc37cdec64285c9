"""Worlds of a few bodies, without a task."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pi0bench.envs import content_models
from pi0bench.envs.panda_kinematics import MAX_WIDTH_M, panda
from pi0bench.envs.scene import Body, Scene
from pi0bench.envs.world_protocol import World
from pi0bench.task.tabletop_episode import make_world

MakeBare = Callable[..., World]


@pytest.fixture
def make_bare() -> Iterator[MakeBare]:
    """Builds the robot in its ready posture, the table and bodies: `make_bare(engine, *bodies)`."""
    made: list[World] = []

    def make(engine: str, *bodies: Body) -> World:
        world = make_world(engine, Scene(panda().body, (content_models.table(), *bodies)))
        world.set_arm(panda().home_rad, MAX_WIDTH_M)
        made.append(world)
        return world

    yield make
    for world in made:
        world.close()
