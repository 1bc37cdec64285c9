"""What the expert knows of things that a belt or a carriage moves along."""

from __future__ import annotations

import numpy as np

from pi0bench.envs.pose import Array
from pi0bench.envs.scene import Body
from pi0bench.envs.world_protocol import World
from pi0bench.task.expert.motion import View


def along_m_s(world: World, item: str) -> Array:
    """How fast the object is moved along, by its own carriage or by what it lies on, (3,)."""
    driven = [body for body in world.scene.bodies if any(joint.drive for joint in body.joints)]
    for body in driven:
        if body.name == item or world.contact(item, body.name):
            return _top_m_s(world, body)
    return np.zeros(3)


def met_m(view: View, item: str) -> Array:
    """Where the object will be when the next action is done, (3,)."""
    return view.world.pose(item).pos_m + along_m_s(view.world, item) / view.control_hz


def _top_m_s(world: World, body: Body) -> Array:
    """How fast the top of a belt or of a carriage moves, (3,)."""
    belts = [joint for joint in body.joints if joint.drive == "belt"]
    if not belts:
        return world.velocity(body.name)
    return world.pose(body.name).rot @ np.array(belts[0].axis, float) * body.speed_m_s
