"""The room of the pictures for people: table with legs, floor, pedestal, lamp and meshes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pi0bench.envs.content_models import table
from pi0bench.envs.physics.mujoco_import import mujoco
from pi0bench.envs.render.panda_meshes import MESH_LINKS, Rgb, mesh_parts

MAX_HEIGHT_PX, MAX_WIDTH_PX = 960, 1280


@dataclass(frozen=True)
class Quality:
    """What costs time.

    Attributes:
        cell_m: of which the robot's meshes keep a vertex each; 0 keeps all.
        shadow_px: side of the map of the lamp's shadows.
    """

    cell_m: float
    shadow_px: int


FOR_FILM, FOR_PRINT = Quality(0.008, 1536), Quality(0.0, 4096)

CENTRE_M = np.array([0.45, 0.0, 0.0])
"""What the lamp turns about."""


@dataclass(frozen=True)
class Lamp:
    """Where the lamp stands and where it shines."""

    pos_m: tuple[float, float, float]
    direction: tuple[float, float, float]


LAMP = Lamp((1.46, 1.06, 3.3), (-0.30, -0.30, -0.91))
"""A spot light: the shadows of a directional one are stippled, whatever their map's size."""

_LEG_M = 0.02  # half a side
_PEDESTAL_M = 0.09
_STAGE = """
<mujoco>
  <visual>
    <global offwidth="{width}" offheight="{height}"/>
    <quality shadowsize="{shadow_px}" offsamples="4" numslices="48" numstacks="24"/>
    <headlight ambient="0.42 0.42 0.42" diffuse="0.22 0.22 0.22" specular="0.05 0.05 0.05"/>
    <map shadowclip="1.1" znear="0.02" zfar="8"/>
    <rgba haze="0.93 0.94 0.96 1"/>
  </visual>
  <statistic center="0.45 0 0.1" extent="1"/>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1="0.96 0.97 0.98" rgb2="0.80 0.84 0.89"
             width="64" height="384"/>
    <material name="floor" rgba="0.70 0.72 0.75 1" reflectance="0" specular="0"/>
    <material name="table" rgba="0.80 0.76 0.70 1" specular="0.1" shininess="0.2"/>
    <material name="metal" rgba="0.28 0.29 0.31 1"/>
  </asset>
  <worldbody>
    <light type="spot" pos="{lamp_pos}" dir="{lamp_dir}" cutoff="50" exponent="0"
           attenuation="1 0 0" diffuse="0.55 0.55 0.53" specular="0.15 0.15 0.15"/>
    <geom type="plane" size="3 3 0.1" pos="0 0 {floor_z}" material="floor"/>
    {boxes}
  </worldbody>
</mujoco>
"""


def stage(quality: Quality) -> tuple[Any, dict[str, list[tuple[int, Rgb]]]]:
    """Compile the room and the robot's meshes, which it does not show by itself.

    Returns:
        MuJoCo's model, and for each of `MESH_LINKS` its meshes' numbers with their colours.
    """
    top, floor = table().links[0].geoms
    floor_z = table().pose.pos_m[2] + floor.pose.pos_m[2] + floor.size_m[2]
    text = _STAGE.format(
        width=MAX_WIDTH_PX,
        height=MAX_HEIGHT_PX,
        shadow_px=quality.shadow_px,
        lamp_pos=_numbers(LAMP.pos_m),
        lamp_dir=_numbers(LAMP.direction),
        floor_z=floor_z,
        boxes=_boxes(np.array(top.size_m), table().pose.pos_m, floor_z),
    )
    links = {link: mesh_parts(link, quality.cell_m) for link in MESH_LINKS}
    spec = mujoco.MjSpec.from_string(text)
    for link, parts in links.items():
        for number, part in enumerate(parts):
            mesh = spec.add_mesh(name=f"{link}_{number}")
            mesh.uservert = part.vertices_m.ravel().tolist()
            mesh.userface = part.triangles.ravel().tolist()
            mesh.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL  # they are not closed
    model = spec.compile()
    ids = {
        link: [(model.mesh(f"{link}_{i}").id, part.rgb) for i, part in enumerate(parts)]
        for link, parts in links.items()
    }
    return model, ids


def _boxes(half_m: Any, centre_m: Any, floor_z: float) -> str:
    """The table, its legs, and the pedestal that the robot stands on."""
    below_z = centre_m[2] - half_m[2]
    high, middle = (below_z - floor_z) / 2, (below_z + floor_z) / 2
    boxes = [_box(half_m, centre_m, "table")]
    boxes.append(_box((0.11, 0.12, 0.02), (-0.01, 0, -0.02), "metal"))
    boxes.append(_box((_PEDESTAL_M, _PEDESTAL_M, high), (-0.02, 0, middle), "metal"))
    inset = half_m - 2 * _LEG_M
    for x in (-inset[0], inset[0]):
        for y in (-inset[1], inset[1]):
            where = (centre_m[0] + x, centre_m[1] + y, middle)
            boxes.append(_box((_LEG_M, _LEG_M, high), where, "metal"))
    return "\n    ".join(boxes)


def _box(half_m: Any, centre_m: Any, material: str) -> str:
    size, pos = _numbers(half_m), _numbers(centre_m)
    return f'<geom type="box" size="{size}" pos="{pos}" material="{material}"/>'


def _numbers(values: Any) -> str:
    return " ".join(f"{value:g}" for value in values)
