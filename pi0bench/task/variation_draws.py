"""What a variation comes to in one episode: drawn once, by the episode's own stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pi0bench.envs import content_models
from pi0bench.envs.cameras import CAMERAS, UNMOVED
from pi0bench.envs.pose import Array, Pose, rot_of
from pi0bench.envs.render.renderer_protocol import Image, Light
from pi0bench.envs.scene import Body
from pi0bench.envs.table_textures import textured
from pi0bench.random_streams import stream
from pi0bench.task.knock import Knock, draw_knock, first_free
from pi0bench.task.start_states import Layout, place
from pi0bench.task.task_spec import TaskSpec
from pi0bench.task.variation_files import DEVELOPMENT, UNVARIED, Variation, variation
from pi0bench.task.varied_starts import cluttered, resized, reworded


@dataclass(frozen=True, eq=False)
class Conditions:
    """How the world of one episode departs from the usual one, beside its start state.

    Attributes:
        light: on everything.
        bumps: of each camera, a pose in the frame where it ought to be.
        friction: factor of the friction of every contact.
        table: what everything stands on, and what is seen below it.
        knock: what is pushed aside, and when.
    """

    light: Light = field(default_factory=Light)
    bumps: Mapping[str, Pose] = field(default_factory=lambda: UNMOVED)
    friction: float = 1.0
    table: Body = field(default_factory=content_models.table)
    knock: Knock | None = None


def start(task: TaskSpec, name: str, seed: int, episode: int) -> tuple[Layout, Conditions]:
    """The start state of an episode under a variation, and its conditions.

    Objects and arm start where they do in the nominal episode; the variation only adds to it. Those
    of development start elsewhere.

    Raises:
        UsageError: no variation has that name, or a file of it is wrong.
    """
    how = variation(name)
    starts = "development" if how is DEVELOPMENT else "evaluation"
    layout = place(task, stream(starts, seed, task.id, episode))
    if name in UNVARIED:
        return layout, Conditions()
    rng = stream("variation", seed, name, task.id, episode)
    if how.wording:
        layout = reworded(task, layout, how.wording, rng)
    if how.size != 1:
        layout = resized(task, layout, float(how.size ** rng.choice([-1, 1])))
    layout = cluttered(layout, how.clutter, rng)
    conditions = _draw(how, rng)
    if how.texture:
        table = textured(conditions.table, how.texture, how.texture_contrast, rng)
        conditions = replace(conditions, table=table)
    if how.knock_m_s[1] and (thing := first_free(task, layout)):
        knock = draw_knock(thing, how.knock_m_s, how.knock_within_s, rng)
        conditions = replace(conditions, knock=knock)
    return layout, conditions


def _draw(how: Variation, rng: np.random.Generator) -> Conditions:
    turn_rad = np.radians(how.light_turn_deg) * rng.choice([-1, 1])
    brightness = float(how.light_dim ** rng.choice([-1, 1]))
    losses = rng.permutation([0.0, rng.random(), 1.0])
    r, g, b = (1 - how.light_tint * losses).tolist()
    light = Light(rot_of(np.array([0, 0, turn_rad])), brightness, (r, g, b))
    bumps = {}
    for name in CAMERAS:
        shift_m, axis = _direction(rng) * how.camera_shift_mm / 1000, _direction(rng)
        bumps[name] = Pose(shift_m, rot_of(axis * np.radians(how.camera_turn_deg)))
    return Conditions(light, bumps, float(rng.uniform(*how.friction)))


def _direction(rng: np.random.Generator) -> Array:
    """A unit vector, (3,), uniform on the sphere."""
    vector = rng.normal(size=3)
    return vector / np.linalg.norm(vector)


def noisy_proprio(
    how: Variation, proprio: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Proprioception through noisy sensors, (13,) → (13,): see `pi0bench.envs.proprioception`."""
    slip_m = rng.normal(0, how.position_sigma_mm / 1000, 4)
    turn = rot_of(rng.normal(0, how.angle_sigma_rad, 3))
    said = proprio.astype(np.float64)
    said[:3] += slip_m[:3]
    said[3:9] = (said[3:9].reshape(2, 3) @ turn.T).ravel()
    said[9] += slip_m[3]
    said[10:] -= slip_m[:3]  # what was commanded is known; what was measured is not
    return said.astype(np.float32)


def noisy_image(how: Variation, image: Image, rng: np.random.Generator) -> Image:
    """The picture through a noisy sensor, (H, W, 3) → (H, W, 3)."""
    noise = rng.normal(0, how.image_sigma_levels, image.shape)
    return np.clip(np.round(image + noise), 0, 255).astype(np.uint8)
