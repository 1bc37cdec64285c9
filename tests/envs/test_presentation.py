"""Pictures for people show what is there, where it is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from pi0bench.envs.cameras import camera, picture
from pi0bench.envs.panda_kinematics import panda
from pi0bench.envs.pose import rot_of
from pi0bench.envs.render import presentation_renderer
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.mesh_simplification import simplified
from pi0bench.envs.render.panda_meshes import MESH_LINKS, mesh_parts
from pi0bench.envs.render.presentation import (
    FILM_PX,
    VIEW,
    PlainPresentation,
    Presentation,
    presentation,
)
from pi0bench.envs.render.renderer_protocol import Camera, Light
from pi0bench.envs.table_textures import textured
from pi0bench.errors import MachineError
from tests.envs.test_render import HUES, blobs, has_opengl
from tests.worlds import MakeEnv

needs_opengl = pytest.mark.skipif(not has_opengl(), reason="this machine has no OpenGL")


@pytest.fixture(scope="module")
def fine() -> Iterator[Presentation]:
    drawer, makeshift = presentation()
    assert makeshift == ""
    yield drawer
    drawer.close()


@needs_opengl
@pytest.mark.parametrize("task_id", ["sort_two_cubes", "press_button"])
@pytest.mark.parametrize("view", ["people", "front", "wrist"])
def test_things_are_where_policies_see_them(
    task_id: str, view: str, engine: str, fine: Presentation, make_env: MakeEnv
) -> None:
    env = make_env(task_id, engine, 1)
    for _ in range(8):
        env.step(env.expert_action())
    scene, now = env.world.scene, env.snapshot()
    eye: Camera = VIEW if view == "people" else camera(view, now)
    plain = make("tiny")
    one = blobs(plain.draw(picture(scene, now), eye, 240, 320))
    plain.close()
    other = blobs(fine.draw(scene, now, eye, 240, 320))
    seen = 0
    for color in HUES:
        if min(len(one[color]), len(other[color])) >= 60:
            seen += 1
            apart = np.linalg.norm(one[color].mean(axis=0) - other[color].mean(axis=0))
            assert apart <= 3, color
    assert seen >= 1


@needs_opengl
def test_a_picture_follows_the_snapshot_and_the_light_alone(
    fine: Presentation, make_env: MakeEnv
) -> None:
    env = make_env("cube_in_bowl", "mujoco", 1)
    scene, before = env.world.scene, env.snapshot()
    first = fine.draw(scene, before, VIEW, *FILM_PX)
    env.step(np.ones(7))
    after = env.snapshot()
    assert not np.array_equal(fine.draw(scene, after, VIEW, *FILM_PX), first)
    turned = Light(rot_of(np.array([0.0, 0.0, 2.0])))
    dim = Light(brightness=0.5)
    lit = {how: fine.draw(scene, before, VIEW, *FILM_PX, light=how) for how in (turned, dim)}
    off = np.abs(lit[turned].astype(int) - first).mean()
    assert off > 2
    assert lit[dim].mean() < 0.8 * first.mean()
    assert np.array_equal(fine.draw(scene, before, VIEW, *FILM_PX), first)


@needs_opengl
def test_what_is_hidden_is_not_drawn(fine: Presentation, make_env: MakeEnv) -> None:
    env = make_env("cube_in_bowl", "mujoco", 1)
    scene, now = env.world.scene, env.snapshot()
    thing = next(body for body in scene.bodies if body.free)
    geoms = sum(len(link.geoms) for link in thing.links)
    without = replace(now, hidden=frozenset((thing.name, number) for number in range(geoms)))
    shown = fine.draw(scene, now, VIEW, *FILM_PX).astype(int)
    changed = np.abs(fine.draw(scene, without, VIEW, *FILM_PX) - shown).max(axis=2) > 30
    assert 50 < changed.sum() < 5000


@needs_opengl
def test_a_texture_is_seen(fine: Presentation, make_env: MakeEnv) -> None:
    env = make_env("cube_in_bowl", "mujoco", 1)
    scene, now = env.world.scene, env.snapshot()
    tiled = textured(scene.body("table"), ("checks",), 0.4, np.random.default_rng(0))
    others = tuple(body for body in scene.bodies if body.name != "table")
    plain = fine.draw(scene, now, VIEW, *FILM_PX).astype(int)
    patterned = fine.draw(replace(scene, bodies=(tiled, *others)), now, VIEW, *FILM_PX)
    assert (np.abs(patterned - plain).max(axis=2) > 10).mean() > 0.1


def test_the_fingers_pads_are_where_ours_are() -> None:
    vertices_m = np.concatenate([part.vertices_m for part in mesh_parts("finger", 0)])
    assert vertices_m[:, 2].max() == pytest.approx(0.0539, abs=2e-4)
    assert vertices_m[:, 1].min() == pytest.approx(0.0, abs=2e-4)
    known = {link.name for link in panda().body.links} | {"finger"}
    assert set(MESH_LINKS) <= known


@pytest.mark.parametrize("link", ["link3", "hand"])
def test_a_mesh_of_fewer_triangles_has_the_same_surface(link: str) -> None:
    for part in mesh_parts(link, 0):
        vertices_m, triangles = simplified(part.vertices_m, part.triangles, 0.008)
        if len(part.triangles) > 2000:
            assert len(triangles) < 0.5 * len(part.triangles)
            low, high = part.vertices_m.min(axis=0), part.vertices_m.max(axis=0)
            assert np.abs(vertices_m.min(axis=0) - low).max() < 0.004
            assert np.abs(vertices_m.max(axis=0) - high).max() < 0.004
        assert triangles.max() < len(vertices_m)


def test_a_flat_mesh_stays_flat() -> None:
    side = np.linspace(0, 0.1, 21)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side))
    at = np.arange(21 * 21).reshape(21, 21)
    corners = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
    a, b, c, d = (corner.ravel() for corner in corners)
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    vertices_m, fewer = simplified(np.stack([x, y, 0.3 * x + 0.01], 1), triangles, 0.02)
    assert len(fewer) < len(triangles) / 8
    assert np.abs(vertices_m[:, 2] - 0.3 * vertices_m[:, 0] - 0.01).max() < 1e-5


def test_without_opengl_the_plain_drawing_serves_and_says_so(
    monkeypatch: pytest.MonkeyPatch, make_env: MakeEnv
) -> None:
    def fail(*_: object) -> None:
        raise MachineError("This machine has no OpenGL (egl: none).")

    monkeypatch.setattr(presentation_renderer.PresentationRenderer, "__init__", fail)
    drawer, makeshift = presentation()
    assert isinstance(drawer, PlainPresentation)
    said = "This machine has no OpenGL (egl: none). Drawing plainly, with tiny, instead."
    assert makeshift == said
    env = make_env("reach_cube", "pybullet")
    drawn = drawer.draw(env.world.scene, env.snapshot(), VIEW, 60, 80)
    drawer.close()
    assert drawn.shape == (60, 80, 3)
    assert drawn.std() > 10


@needs_opengl
def test_a_process_that_has_drawn_ends_in_silence() -> None:
    code = """
from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.content_models import table
from pi0bench.envs.panda_kinematics import panda
from pi0bench.envs.pose import Pose
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.presentation import VIEW, presentation
from pi0bench.envs.scene import Scene
scene = Scene(panda().body, (table(),))
now = Snapshot(panda().home_rad, 0.04, {"table": table().pose}, {})
gl, (fine, _) = make("gl"), presentation()
assert fine.draw(scene, now, VIEW, 90, 120).std() > 10
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
