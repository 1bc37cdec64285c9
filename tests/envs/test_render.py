from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from pi0bench.envs import cameras
from pi0bench.envs.cameras import CAMERAS, picture
from pi0bench.envs.pose import look_at, rot_of
from pi0bench.envs.render.choose_renderer import NAMES, choose, make
from pi0bench.envs.render.renderer_protocol import Camera, Image, Light, Renderer
from pi0bench.errors import MachineError, UsageError
from tests.worlds import MakeEnv

# Hue ranges in degrees of what cannot be confused with the grey rest of the scene.
HUES = {
    "red": (-15, 15),
    "green": (100, 150),
    "cyan": (175, 212),
    "blue": (215, 245),
    "purple": (265, 290),
    "pink": (320, 340),
    "yellow": (38, 55),
}
SIDE = 96


def has_opengl() -> bool:
    try:
        make("gl").close()
    except MachineError:
        return False
    return True


@pytest.fixture(scope="module")
def renderers() -> Iterator[dict[str, Renderer]]:
    names = NAMES if has_opengl() else ("tiny",)
    made = {name: make(name) for name in names}
    yield made
    for renderer in made.values():
        renderer.close()


@pytest.fixture(params=NAMES)
def renderer(request: pytest.FixtureRequest, renderers: dict[str, Renderer]) -> Renderer:
    if request.param not in renderers:
        pytest.skip("this machine has no OpenGL")
    return renderers[request.param]


def blobs(image: Image) -> dict[str, np.ndarray]:
    """Pixels (right, down) of each strong colour."""
    rgb = image.astype(float)
    top, low = rgb.max(axis=2), rgb.min(axis=2)
    strength = (top - low) / np.maximum(top, 1)
    u, v = rgb[..., 1] - rgb[..., 2], 2 * rgb[..., 0] - rgb[..., 1] - rgb[..., 2]
    hue = np.degrees(np.arctan2(np.sqrt(3) * u, v))
    found = {}
    for name, (least, greatest) in HUES.items():
        inside = ((hue - least) % 360 < greatest - least) & (strength > 0.4)
        found[name] = np.argwhere(inside)[:, ::-1]
    return found


@pytest.mark.parametrize("seed", range(5))
def test_both_renderers_draw_the_same_scene(
    task_id: str, engine: str, seed: int, make_env: MakeEnv, renderers: dict[str, Renderer]
) -> None:
    if "gl" not in renderers:
        pytest.skip("this machine has no OpenGL")
    env = make_env(task_id, engine, seed)
    for _ in range(seed * 5):
        env.step(env.expert_action())
    drawn = {name: env.images(renderer, SIDE) for name, renderer in renderers.items()}
    seen = 0
    for camera in CAMERAS:
        one, other = (blobs(drawn[name][camera]) for name in NAMES)
        for color in HUES:
            if max(len(one[color]), len(other[color])) < 20:  # a sliver at an edge has no centroid
                continue
            seen += 1
            apart = np.linalg.norm(one[color].mean(axis=0) - other[color].mean(axis=0))
            assert apart <= 2, f"{color} in {camera}"
    assert seen >= 1 or task_id == "pour_ball"  # a cup of another hue, and a ball hidden in it


def test_pictures_have_their_shape_and_follow_what_moves(
    engine: str, renderer: Renderer, make_env: MakeEnv
) -> None:
    env = make_env("cube_in_bowl", engine)
    before = env.images(renderer, 64)
    again = env.images(renderer, 64)
    for _ in range(5):
        env.step(env.expert_action())
    after = env.images(renderer, 64)
    assert tuple(before) == CAMERAS
    for camera in CAMERAS:
        assert before[camera].dtype == np.uint8
        assert before[camera].shape == (64, 64, 3)
        assert np.array_equal(before[camera], again[camera])
        assert not np.array_equal(before[camera], after[camera])
        assert not np.shares_memory(before[camera], again[camera])


def test_a_later_picture_leaves_an_earlier_one_alone(renderer: Renderer, make_env: MakeEnv) -> None:
    env = make_env("cube_in_bowl", "mujoco")
    first = env.images(renderer, 64)
    kept = {camera: image.copy() for camera, image in first.items()}
    for _ in range(5):
        env.step(env.expert_action())
    env.images(renderer, 64)
    assert all(np.array_equal(first[camera], kept[camera]) for camera in CAMERAS)


def test_a_picture_depends_on_the_snapshot_alone(renderer: Renderer, make_env: MakeEnv) -> None:
    """Not on what the renderer drew before it, such as another task at another size."""
    env, other = make_env("cube_in_bowl", "mujoco", 1), make_env("past_the_wall", "mujoco", 2)
    first = env.images(renderer, 64)
    other.images(renderer, 96)
    again = env.images(renderer, 64)
    assert all(np.array_equal(first[camera], again[camera]) for camera in CAMERAS)


def test_auto_is_each_engines_own_renderer() -> None:
    assert choose("auto", "pybullet") == ("tiny", "")
    if has_opengl():
        assert choose("auto", "mujoco") == ("gl", "")
    assert choose("tiny", "mujoco") == ("tiny", "")


def test_an_unknown_renderer_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r'no renderer "tinny"; did you mean "tiny"\?'):
        choose("tinny", "mujoco")


OUTSIDE = Camera(look_at((1.5, -1.1, 0.95), (0.4, 0.0, 0.2), (0.0, 0.0, 1.0)), 34.0)


@pytest.mark.parametrize("turn_deg", [0, 90, 180])
def test_both_renderers_have_one_background_and_one_lamp(
    turn_deg: int, make_env: MakeEnv, renderers: dict[str, Renderer]
) -> None:
    if "gl" not in renderers:
        pytest.skip("this machine has no OpenGL")
    env = make_env("cube_in_drawer", "mujoco", 1)
    now = env.snapshot()
    light = Light(rot_of(np.array([0.0, 0.0, np.radians(turn_deg)])))
    for seen in (cameras.camera("front", now), OUTSIDE):
        what = picture(env.world.scene, now, light)
        one, other = (r.draw(what, seen, SIDE, SIDE).astype(int) for r in renderers.values())
        assert np.median(np.abs(one - other)) <= 6
        assert np.abs(one - other).mean() <= 8
    assert (one[0, 0] == 255).all()
    assert (other[0, 0] == 255).all()


def test_a_turned_lamp_lights_other_faces(renderer: Renderer, make_env: MakeEnv) -> None:
    env = make_env("cube_in_drawer", "mujoco", 1)
    now = env.snapshot()
    lights = [Light(rot_of(np.array([0.0, 0.0, angle]))) for angle in (0.0, np.pi)]
    behind = Camera(look_at((-0.4, 1.1, 0.95), (0.4, 0.0, 0.2), (0.0, 0.0, 1.0)), 34.0)
    for eye, (near, far) in ((OUTSIDE, lights), (behind, lights[::-1])):
        lit, dark = (
            renderer.draw(picture(env.world.scene, now, how), eye, SIDE, SIDE).astype(int)
            for how in (near, far)
        )
        assert np.percentile(lit - dark, 98) > 15
        assert np.median(np.abs(lit - dark)) <= 4  # what lies flat is lit alike
