from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.cameras import CAMERAS, camera, picture
from pi0bench.envs.panda_kinematics import panda
from pi0bench.envs.pose import Pose, rot_of, vector_of
from pi0bench.envs.proprioception import proprio
from pi0bench.envs.render.choose_renderer import make
from pi0bench.envs.render.renderer_protocol import Image, Light, Renderer
from pi0bench.envs.scene import Body, Geom, Link, Scene
from pi0bench.envs.world_protocol import PHYSICS_HZ
from pi0bench.errors import UsageError
from pi0bench.random_streams import stream
from pi0bench.task import variation_files as variations
from pi0bench.task.start_states import place
from pi0bench.task.tabletop_episode import Tabletop, make_world
from pi0bench.task.task_files import task, task_ids
from pi0bench.task.variation_draws import noisy_image, noisy_proprio, start
from pi0bench.task.variation_files import (
    NOMINAL,
    SEVERITIES,
    kinds,
    load,
    names,
    path_of,
    variation,
)
from tests.envs.test_render import has_opengl

Varied = Callable[..., Tabletop]


@pytest.fixture
def varied() -> Iterator[Varied]:
    """Builds an episode's start under a variation: `varied(name, task_id, engine, episode)`."""
    made: list[Tabletop] = []

    def build(name: str, of: str = "cube_in_bowl", engine: str = "mujoco", episode: int = 0) -> Any:
        layout, how = start(task(of), name, 0, episode)
        made.append(Tabletop(task(of), layout, engine, conditions=how))
        return made[-1]

    yield build
    for env in made:
        env.close()


@pytest.fixture(scope="module", params=["gl", "tiny"])
def renderer(request: pytest.FixtureRequest) -> Iterator[Renderer]:
    if request.param == "gl" and not has_opengl():
        pytest.skip("this machine has no OpenGL")
    made = make(request.param)
    yield made
    made.close()


def described(of: str, name: str, episode: int = 0) -> tuple[object, ...]:
    layout, how = start(task(of), name, 0, episode)
    bodies = [
        (b.name, *b.pose.pos_m, *b.pose.rot.ravel(), b.joints_at, b.radius_m) for b in layout.bodies
    ]
    bumps = [(*pose.pos_m, *pose.rot.ravel()) for pose in how.bumps.values()]
    light = (*how.light.turn.ravel(), how.light.brightness, *how.light.rgb)
    table = [(geom.size_m, geom.rgba) for geom in how.table.links[0].geoms]
    knock = how.knock and (how.knock.thing, how.knock.at_s, *how.knock.velocity_m_s)
    return layout.instruction, bodies, bumps, light, how.friction, table, knock


def angle_deg(rot: Any) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(rot) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("name", names())
def test_a_variation_is_the_same_each_time_and_another_in_each_episode(name: str) -> None:
    of = "stack_two_cubes"
    assert described(of, name) == described(of, name)
    assert len({str(described(of, name, episode)) for episode in range(5)}) == 5


def test_development_has_other_start_states_and_the_usual_world() -> None:
    of = "cube_in_bowl"
    development = [described(of, "development", episode) for episode in range(20)]
    usual = [described(of, "nominal", episode) for episode in range(20)]
    assert not {str(one[1]) for one in development} & {str(one[1]) for one in usual}
    assert {str(one[2:]) for one in development} == {str(one[2:]) for one in usual}
    plan = place(task(of), stream("development", 0, of, 3))
    assert plan.instruction == start(task(of), "development", 0, 3)[0].instruction


@pytest.mark.parametrize("kind", kinds())
def test_the_nominal_start_state_stays(kind: str, task_id: str) -> None:
    name = f"{kind}-3"
    resized = variation(name).size != 1
    for episode in range(2):
        plain, _ = start(task(task_id), "nominal", 0, episode)
        other, _ = start(task(task_id), name, 0, episode)
        for one, two in zip(plain.bodies, other.bodies, strict=False):
            assert one.name == two.name
            assert np.array_equal(one.pose.pos_m[:2], two.pose.pos_m[:2])
            assert np.array_equal(one.pose.rot, two.pose.rot)
            assert resized or one.pose.pos_m[2] == two.pose.pos_m[2]
            assert resized or one.joints_at == two.joints_at
            assert resized or one.keypoints == two.keypoints
            assert [mark.name for mark in one.keypoints] == [mark.name for mark in two.keypoints]
        assert (plain.tcp_m, plain.yaw_rad, plain.expert_choice) == (
            other.tcp_m,
            other.yaw_rad,
            other.expert_choice,
        )
        assert len(other.bodies) >= len(plain.bodies)


def test_only_what_the_name_says_is_varied() -> None:
    of = "cube_in_bowl"
    nominal = described(of, "nominal")
    changed = {"wording": {0}, "clutter": {1}, "camera": {2}, "light": {3}, "friction": {4}}
    changed |= {"size": {1}, "texture": {5}, "knock": {6}}
    for kind in kinds():
        found = described(of, f"{kind}-2")
        parts = {i for i, (a, b) in enumerate(zip(nominal, found, strict=True)) if a != b}
        assert parts == changed.get(kind, set()), kind


def test_every_kind_grows_with_its_severity() -> None:
    def amounts(kind: str) -> list[tuple[float, ...]]:
        table = load(path_of(kind))[1]
        return [
            (
                v.light_turn_deg,
                1 - v.light_dim,
                v.light_tint,
                v.camera_shift_mm,
                v.camera_turn_deg,
                len(v.clutter),
                ("", "close", "free", "wordy").index(v.wording),
                1 - v.friction[1],
                v.image_sigma_levels,
                v.position_sigma_mm,
                v.angle_sigma_rad,
                *v.knock_m_s,
                v.knock_within_s,
                v.texture_contrast,
                v.size - 1,
            )
            for v in (table[severity] for severity in SEVERITIES)
        ]

    for kind in kinds():
        for milder, harder in zip(amounts(kind), amounts(kind)[1:], strict=False):
            grown = [(a, b) for a, b in zip(milder, harder, strict=True) if (a, b) != (0, 0)]
            assert grown, kind
            assert all(a < b for a, b in grown), kind


def test_light_camera_and_texture_change_the_picture_and_more_when_severe(
    renderer: Renderer, varied: Varied
) -> None:
    def image(name: str, episode: int) -> dict[str, Any]:
        drawn = varied(name, episode=episode).images(renderer, 64)
        return {camera: image.astype(float) for camera, image in drawn.items()}

    for kind in ("light", "camera", "texture"):
        means = dict.fromkeys(SEVERITIES, 0.0)
        for severity in SEVERITIES:
            for episode in range(3):
                plain, other = image("nominal", episode), image(f"{kind}-{severity}", episode)
                for name in CAMERAS:
                    apart = np.abs(plain[name] - other[name]).mean()
                    assert apart > 0.3, (kind, severity, name)
                    means[severity] += apart
        assert means["1"] < means["2"] < means["3"], kind


def test_the_usual_light_is_the_renderers_own_to_the_last_bit(
    renderer: Renderer, varied: Varied
) -> None:
    """Also after another light, and with another way to say "no change"."""
    env = varied("nominal", "sort_two_cubes")
    snap = env.snapshot()
    seen, eye = picture(env.world.scene, snap), camera("front", snap)

    def draw(light: Light) -> Image:
        return renderer.draw(replace(seen, light=light), eye, 64, 64)

    plain = renderer.draw(seen, eye, 64, 64)
    red = draw(Light(rgb=(1.0, 0.5, 0.5))).astype(int)
    assert np.array_equal(draw(Light()), plain)
    assert np.array_equal(env.images(renderer, 64)["front"], plain)
    assert np.abs(red[..., 0] - plain[..., 0]).max() == 0
    assert np.abs(red[..., 1] - plain[..., 1] / 2).max() <= 1.5
    assert np.abs(draw(Light(brightness=0.5)) - plain / 2).max() <= 1.5


def test_cameras_are_bumped_by_what_the_file_says() -> None:
    for severity in SEVERITIES:
        how = variation(f"camera-{severity}")
        _, drawn = start(task("reach_cube"), how.name, 0, 0)
        for bump in drawn.bumps.values():
            assert np.linalg.norm(bump.pos_m) == pytest.approx(how.camera_shift_mm / 1000)
            assert angle_deg(bump.rot) == pytest.approx(how.camera_turn_deg, abs=1e-4)
        front, wrist = drawn.bumps.values()
        assert not np.allclose(front.pos_m, wrist.pos_m)


def test_clutter_is_of_models_and_colours_that_no_task_has() -> None:
    used = {item.model for name in task_ids() for item in task(name).objects}
    for severity in SEVERITIES:
        assert not used & set(variation(f"clutter-{severity}").clutter)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_clutter_stands_apart_and_leaves_out_what_has_no_room(severity: str, task_id: str) -> None:
    wanted = len(variation(f"clutter-{severity}").clutter)
    for episode in range(2):
        plain, _ = start(task(task_id), "nominal", 0, episode)
        layout, _ = start(task(task_id), f"clutter-{severity}", 0, episode)
        added = layout.bodies[len(plain.bodies) :]
        assert 1 <= len(added) <= wanted
        for i, thing in enumerate(added, start=len(plain.bodies)):
            for other in layout.bodies[:i]:
                apart_m = np.linalg.norm((thing.pose.pos_m - other.pose.pos_m)[:2])
                assert apart_m > thing.radius_m + other.radius_m


def driven_ones(env: Tabletop) -> set[str]:
    """What moves by itself, and carries what lies on it along."""
    return {body.name for body in env.layout.bodies if body.speed_m_s}


@pytest.mark.parametrize("name", ["clutter-3", "size-3"])
def test_no_start_is_broken(name: str, task_id: str, engine: str, varied: Varied) -> None:
    env = varied(name, task_id, engine)
    assert not env.goal()
    driven = {item.name for item in env.task.objects if item.place.base in driven_ones(env)}
    free = [name for name in env.world.scene.free_names if name not in driven]
    before = {name: env.world.pose(name).pos_m for name in free}
    env.world.step(PHYSICS_HZ // 2)
    for name in free:
        assert np.linalg.norm(env.world.pose(name).pos_m - before[name]) < 0.005, name


def test_sizes_are_of_two_kinds_and_the_same_for_all_of_a_task() -> None:
    for severity in SEVERITIES:
        factors = set()
        for episode in range(20):
            plain, _ = start(task("ring_on_tight_peg"), "nominal", 0, episode)
            layout, _ = start(task("ring_on_tight_peg"), f"size-{severity}", 0, episode)
            pairs = zip(plain.bodies, layout.bodies, strict=True)
            (factor,) = {round(two.radius_m / one.radius_m, 9) for one, two in pairs}
            factors.add(factor)
        size = variation(f"size-{severity}").size
        assert sorted(factors) == pytest.approx([1 / size, size])


def test_a_texture_is_seen_and_never_felt() -> None:
    for severity in SEVERITIES:
        for episode in range(5):
            _, how = start(task("any_cube"), f"texture-{severity}", 0, episode)
            _, nominal = start(task("any_cube"), "nominal", 0, episode)
            solid = [geom for geom in how.table.links[0].geoms if geom.collide]
            assert [geom.size_m for geom in solid] == [nominal.table.links[0].geoms[0].size_m]
            tops = [g.pose.pos_m[2] + g.size_m[2] for g in how.table.links[0].geoms]
            assert 0 < max(tops) - tops[0] < 0.0003
            assert 5 < len(tops) < 30


@pytest.mark.parametrize(("severity", "kind"), [("1", "close"), ("2", "free"), ("3", "wordy")])
def test_wording_asks_in_sentences_of_its_kind(severity: str, kind: str) -> None:
    assert variation(f"wording-{severity}").wording == kind
    for episode in range(5):
        plain, _ = start(task("cube_in_bowl"), "nominal", 0, episode)
        other, _ = start(task("cube_in_bowl"), f"wording-{severity}", 0, episode)
        color = plain.bodies[0].keypoints[0].name.split()[0]
        assert other.instruction != plain.instruction
        assert color in other.instruction
        assert "{" not in other.instruction


@pytest.mark.parametrize("factor", [1.0, 0.5, 0.2])
def test_things_slide_down_a_slope_as_the_friction_says(engine: str, factor: float) -> None:
    """A cube on a slope of 20 degrees for half a second; the friction is the factor alone."""
    slope_rad, time_s = np.radians(20), 0.5
    slope = Pose(np.array([0.5, 2, 0.3]), rot_of(np.array([0, slope_rad, 0])))
    board = Link("board", (Geom("box", (0.3, 0.3, 0.01)),), 5.0)
    cube = content_models.instance("cube", "cube", slope @ Pose(np.array([0, 0, 0.03])))
    world = make_world(
        engine, Scene(panda().body, (Body("board", (board,), pose=slope), cube), factor)
    )
    world.set_arm(panda().home_rad, 0.08)
    before = world.pose("cube").pos_m
    world.step(round(time_s * PHYSICS_HZ))
    moved_m = float(np.linalg.norm(world.pose("cube").pos_m - before))
    world.close()
    pull = max(0.0, np.sin(slope_rad) - factor * np.cos(slope_rad))
    assert moved_m == pytest.approx(9.81 * pull * time_s**2 / 2, rel=0.1, abs=0.003)


def test_the_factor_reaches_the_world(engine: str, varied: Varied) -> None:
    for severity in SEVERITIES:
        low, high = variation(f"friction-{severity}").friction
        env = varied(f"friction-{severity}", engine=engine)
        assert low <= env.world.scene.friction <= high


@pytest.mark.parametrize("severity", SEVERITIES)
def test_noise_has_the_size_that_the_file_says(severity: str) -> None:
    how = variation(f"noise-{severity}")
    rng = np.random.default_rng(0)
    grey = np.full((64, 64, 3), 128, np.uint8)
    spread = noisy_image(how, grey, rng).astype(float).std()
    assert spread == pytest.approx(how.image_sigma_levels, rel=0.05)
    tool = Pose(np.array([0.5, 0.1, 0.2]), rot_of(np.array([0.2, 0.1, 0.3])))
    felt = proprio(tool, 0.04, tool.pos_m + np.array([0.01, 0, 0]))
    noisy = np.array([noisy_proprio(how, felt, rng) for _ in range(2000)], np.float64)
    position = noisy[:, [0, 1, 2, 9, 10, 11, 12]].std(axis=0) * 1000
    assert position == pytest.approx(how.position_sigma_mm, rel=0.1)
    x, y = noisy[:, 3:6], noisy[:, 6:9]
    rotations = np.stack([x, y, np.cross(x, y)], axis=-1)
    turns = np.array([vector_of(rotation @ tool.rot.T) for rotation in rotations])
    assert turns.std(axis=0) == pytest.approx([how.angle_sigma_rad] * 3, rel=0.1)
    commanded = noisy[:, :3] + noisy[:, 10:]
    assert np.abs(commanded - (felt[:3] + felt[10:])).max() < 1e-6


def test_unknown_variations_are_refused_with_what_would_work() -> None:
    for name, message in {
        "light": 'no variation "light"; say how severe: light-1, light-2, light-3',
        "ligth-2": 'no variation "ligth-2"; did you mean "light-2"?',
        "light-4": 'no variation "light-4"; did you mean',
        "": 'no variation ""; known: camera-1',
    }.items():
        with pytest.raises(UsageError) as caught:
            variation(name)
        assert str(caught.value).startswith(message)
    assert variation("nominal") is NOMINAL


GOOD = """summary = "It is dim."
[severity.1]
light_dim = 0.9
[severity.2]
light_dim = 0.8
[severity.3]
light_dim = 0.7
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("light_dim = 0.8", "ligth_dim = 0.8"), ":5: severity.2.ligth_dim: unknown key; did you"),
        (("light_dim = 0.8", "light_dim = 2"), ":5: severity.2.light_dim: must be a number from"),
        (("light_dim = 0.8", ""), ":4: severity.2: must change something; known: light_turn_deg"),
        (("light_dim = 0.8", "friction = [1, 0.5]"), ":5: severity.2.friction: least 1 is greater"),
        (("light_dim = 0.8", 'clutter = ["cann"]'), ':5: severity.2.clutter.0: no object model "c'),
        (("light_dim = 0.8", 'wording = "odd"'), ':5: severity.2.wording: no kind of paraphrase "'),
        (("light_dim = 0.8", "size = 0.9"), ":5: severity.2.size: must be a number from 1 to 1.5"),
        (
            ("light_dim = 0.8", "knock_m_s = 1"),
            ":5: severity.2.knock_m_s: must be [least, greatest",
        ),
        (
            ("light_dim = 0.8", 'texture = ["chekcs"]'),
            ':5: severity.2.texture.0: no texture "chekc',
        ),
        (("light_dim = 0.8", "texture_contrast = 0.1"), ":4: severity.2: a texture has"),
        (("severity.3", "severity.4"), ":6: severity.4: unknown key; known: 1, 2, 3"),
        (("summary", "sumary"), ":1: sumary: unknown key; did you mean"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(
    change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "dim.toml"
    path.write_text(GOOD, "utf-8")
    assert load(path)[1]["2"].light_dim == 0.8
    path.write_text(GOOD.replace(*change), "utf-8")
    with pytest.raises(UsageError) as caught:
        load(path)
    assert f"{path}{message}" in str(caught.value)


def test_every_file_is_good_and_described() -> None:
    rows = dict(variations.described())
    assert list(rows) == [
        "nominal",
        "development",
        *(f"{kind}-1 … {kind}-3" for kind in kinds()),
    ]
    assert all(text.endswith(".") for text in rows.values())
