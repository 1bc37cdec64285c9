from __future__ import annotations

import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from pi0bench.envs.cameras import Snapshot
from pi0bench.envs.content_models import table
from pi0bench.envs.panda_kinematics import FINGERS, panda
from pi0bench.envs.pose import from_quat
from pi0bench.envs.scene import Body, Geom, Link, Scene
from pi0bench.envs.state_and_points import OBJECT_DIM, Cloud, objects
from pi0bench.envs.world_protocol import PhysicsFault
from pi0bench.errors import UsageError
from pi0bench.gym.observation_spaces import utf8
from pi0bench.gym.task_env import OBS_MODES, TabletopEnv
from pi0bench.random_streams import _STREAMS, stream
from pi0bench.task.start_states import Layout, place
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task

Make = Callable[..., TabletopEnv]
Shares = Callable[[np.ndarray], np.ndarray]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[TabletopEnv] = []

    def build(name: str, **keywords: Any) -> TabletopEnv:
        env = gymnasium.make(f"pi0bench/{name}-v1", **keywords).unwrapped
        assert isinstance(env, TabletopEnv)
        made.append(env)
        return env

    yield build
    for env in made:
        env.close()


@pytest.fixture
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def run(env: TabletopEnv, seed: int, steps: int = 10_000) -> Iterator[tuple[Any, ...]]:
    """What reset and then every step of the expert return."""
    observation, info = env.reset(seed=seed)
    yield observation, 0.0, False, False, info
    for _ in range(steps):
        returned = env.step(env.expert_action())
        yield returned
        if returned[2] or returned[3]:
            return


def same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def may_stay(env: TabletopEnv) -> np.ndarray:
    """Which elements of `objects` may be the same in every state that the expert goes through."""
    ways = [{str(name) for rule in way.plan for name in rule.call.args} for way in env.task.ways]
    handled = set.intersection(*ways)
    stays = []
    for item, body in zip(env.task.objects, env.tabletop.layout.bodies, strict=True):
        fixed, place = not body.free, item.place
        straight = place.yaw_deg[0] == place.yaw_deg[1]
        at = np.zeros(OBJECT_DIM, bool)
        at[0] = fixed and place.x_m[0] == place.x_m[1]
        at[1] = fixed and place.y_m[0] == place.y_m[1]
        at[[4, 5]] = fixed
        at[2] = fixed or item.name not in handled
        at[3] = straight  # what hardly turns has w = 1 in 32 bits
        at[6] = fixed and straight
        at[7] = not body.joints or item.name not in handled
        at[8:] = True
        stays.append(at)
    return np.concatenate(stays)


def sorted_rows(env: TabletopEnv, seen: dict[str, Any]) -> np.ndarray:
    """The rows of `objects` in the order of the task's file."""
    rows = seen["objects"].reshape(-1, OBJECT_DIM)
    return rows[[env.object_names.index(item.name) for item in env.task.objects]].ravel()


def test_every_task_passes_gymnasiums_own_checks(
    task_id: str, engine: str, make: Make, no_warnings: None
) -> None:
    check_env(make(task_id, engine=engine, obs_mode="state"))


@pytest.mark.parametrize("obs_mode", ["rgb", "pointcloud"])
@pytest.mark.parametrize("name", ["reach_cube", "open_drawer"])
def test_every_mode_passes_gymnasiums_own_checks(
    name: str, obs_mode: str, engine: str, make: Make
) -> None:
    env = make(name, engine=engine, obs_mode=obs_mode, renderer="tiny")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env)


@pytest.mark.parametrize("obs_mode", OBS_MODES)
def test_one_seed_is_one_episode_bit_for_bit(obs_mode: str, engine: str, make: Make) -> None:
    first, again = (
        make("stack_two_cubes", engine=engine, obs_mode=obs_mode, renderer="tiny") for _ in range(2)
    )
    other, _ = again.reset(seed=4)
    for a, b in zip(run(first, 3, 5), run(again, 3, 5), strict=True):
        assert same(a[0], b[0])
        assert a[1:] == b[1:]
        arrays = a[0].keys() - {"instruction"}
        assert not any(np.array_equal(a[0][key], other[key]) for key in arrays)


def test_an_option_is_the_evaluation_episode_of_that_number(task_id: str, make: Make) -> None:
    env = make(task_id, obs_mode="state")
    _, info = env.reset(options={"episode": 7})
    wanted = place(task(task_id), stream("evaluation", 0, task_id, 7))
    bodies = zip(env.tabletop.layout.bodies, wanted.bodies, strict=True)
    assert all(np.array_equal(a.pose.pos_m, b.pose.pos_m) for a, b in bodies)
    assert info["instruction"] == env.tabletop.layout.instruction == wanted.instruction
    assert env.tabletop.layout.expert_choice == wanted.expert_choice


@pytest.mark.parametrize("kind", ["evaluation", "demonstration"])
def test_no_seed_is_a_start_state_of_ours(kind: str, make: Make) -> None:
    """Not even one that spells our stream out: SeedSequence joins what it is made of."""
    env = make("reach_cube", obs_mode="state")

    def places(layout: Layout) -> bytes:
        return np.array([body.pose.pos_m for body in layout.bodies]).tobytes()

    ours = {places(place(env.task, stream(kind, 0, "reach_cube", k))) for k in range(50)}
    key = (_STREAMS[kind], zlib.crc32(b"reach_cube"), 0)
    spelt = sum(word << 32 * (4 + i) for i, word in enumerate(key))
    found = set()
    for seed in (*range(50), spelt):
        env.reset(seed=seed)
        found.add(places(env.tabletop.layout))
    assert len(found) == 51
    assert not ours & found


def test_an_option_picks_an_episode_and_leaves_the_generator_alone(make: Make) -> None:
    env = make("reach_cube", obs_mode="state")
    seeded, _ = env.reset(seed=7)
    after, _ = env.reset()
    env.reset(seed=7)
    picked, _ = env.reset(options={"episode": 7})
    again, _ = env.reset(seed=8, options={"episode": 7})
    assert same(picked, again)
    assert not same(picked, seeded)
    env.reset(seed=7)
    env.reset(options={"episode": 3})
    assert same(env.reset()[0], after)


def test_no_state_is_dead_and_all_are_in_the_space(task_id: str, engine: str, make: Make) -> None:
    env = make(task_id, engine=engine, obs_mode="state")
    seen, rows = [], []
    count = 200 if "long" in env.task.tags else 80
    for seed in range(4):
        steps = [step[0] for step in run(env, seed, count)]
        seen += steps
        rows += [sorted_rows(env, one) for one in steps]
    assert all(one in env.observation_space for one in seen)
    assert np.ptp([one["proprio"] for one in seen], axis=0).all()
    moved = np.ptp(rows, axis=0) > 0
    assert (moved | may_stay(env)).all()
    seen += [env.reset(seed=seed)[0] for seed in range(4, 12)]
    assert len({one["instruction"] for one in seen}) > 1


def test_each_object_has_its_own_numbers(task_id: str, engine: str, make: Make) -> None:
    env = make(task_id, engine=engine, obs_mode="state")
    env.reset(seed=0)
    world, bodies = env.tabletop.world, env.tabletop.layout.bodies
    there = from_quat([0.5, -0.1, 0.3], [0.5, 0.5, -0.1, 0.7])
    for i, body in enumerate(bodies):
        before = objects(bodies, env.tabletop.snapshot()).reshape(-1, OBJECT_DIM)
        if body.joints:
            world.set_joints(body.name, [sum(body.joints[0].range) / 2])
        if body.free:
            world.set_pose(body.name, there)
        after = objects(bodies, env.tabletop.snapshot()).reshape(-1, OBJECT_DIM)
        # MuJoCo's poses are one physics step old until something is put elsewhere.
        step_m = 3e-4 if any(thing.speed_m_s for thing in bodies) else 1e-5
        assert np.delete(after, i, 0) == pytest.approx(np.delete(before, i, 0), abs=step_m)
        if body.joints:
            assert after[i, 7] == pytest.approx(sum(body.joints[0].range) / 2)
        if body.free:
            assert after[i, :7] == pytest.approx([*there.pos_m, *there.quat_wxyz()])


def test_the_order_of_objects_tells_nothing_and_is_the_episodes(make: Make) -> None:
    env = make("cube_in_bowl", obs_mode="state")
    first = [env.reset(options={"episode": 3})[0]["objects"] for _ in range(2)]
    assert np.array_equal(*first)
    before = env.object_names
    seen = env.step(env.expert_action())[0]["objects"].reshape(-1, OBJECT_DIM)
    assert env.object_names == before
    assert np.abs(seen - first[0].reshape(-1, OBJECT_DIM)).max() < 0.05
    places = []
    for seed in range(80):
        env.reset(seed=seed)
        places.append(env.object_names.index("target"))
    assert [places.count(place) for place in range(4)] == pytest.approx([20] * 4, abs=11)


def test_what_an_instruction_names_can_be_found_among_the_objects(make: Make) -> None:
    """By colour and size: a bowl of a cube's colour is not the cube."""
    env = make("sort_two_cubes", obs_mode="state")
    for seed in range(10):
        seen = env.reset(seed=seed)[0]["objects"].reshape(-1, OBJECT_DIM)
        bodies = {body.name: body for body in env.tabletop.layout.bodies}
        for name, row in zip(env.object_names, seen, strict=True):
            assert row[:2] == pytest.approx(bodies[name].pose.pos_m[:2], abs=0.002)
            assert row[8:11] == pytest.approx(_rgb(bodies[name].links[0].geoms[-1]))
            assert row[11:] == pytest.approx([bodies[name].radius_m, _height_m(bodies[name])])
        assert len({tuple(row[8:]) for row in seen.tolist()}) == len(bodies)


def _height_m(body: Body) -> float:
    return body.bottom_m + body.top_m


def test_no_picture_and_no_point_is_dead(engine: str, make: Make) -> None:
    env = make("cube_in_bowl", engine=engine, image_side=32, renderer="tiny")
    seen = [step[0] for seed in range(3) for step in run(env, seed, 6)]
    for name in ("front", "wrist"):
        pixels = np.ptp([one[name] for one in seen], axis=0)
        assert pixels.any(axis=-1).mean() > 0.25, name
        assert pixels.reshape(-1, 3).any(axis=0).all(), name
    env = make("cube_in_bowl", engine=engine, obs_mode="pointcloud")
    clouds = [step[0]["points"] for seed in range(3) for step in run(env, seed, 40)]
    moved = np.ptp(clouds, axis=0)[:, :3]
    assert moved[:, :2].all()  # a bowl that lies still may keep the height of its floor
    assert (moved[:, 2] > 0).mean() > 0.8
    assert all(one in env.observation_space["points"] for one in clouds)  # pyright: ignore[reportIndexIssue]


def test_observations_are_in_the_space_under_any_action(engine: str, make: Make) -> None:
    env = make("reach_cube", engine=engine, obs_mode="state")
    rng = np.random.default_rng(0)
    for episode in range(3):
        observation, _ = env.reset(seed=episode)
        done, step = False, 0
        action = rng.choice([-1, 1], 7)
        while not done:
            action = rng.choice([-1, 1], 7) if step % (1 + 15 * episode) == 0 else action
            observation, _, terminated, truncated, _ = env.step(action.astype(np.float32))
            assert observation in env.observation_space
            assert all(np.isfinite(observation[key]).all() for key in ("proprio", "objects"))
            done, step = terminated or truncated, step + 1


@pytest.mark.parametrize("obs_mode", OBS_MODES)
def test_observations_share_no_memory(obs_mode: str, make: Make) -> None:
    env = make("reach_cube", engine="pybullet", obs_mode=obs_mode, renderer="tiny")
    seen = [step[0] for step in run(env, 0, 2)]
    arrays = [value for one in seen for value in one.values() if isinstance(value, np.ndarray)]
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[i + 1 :])


@pytest.mark.parametrize("control_hz", [10, 50])
@pytest.mark.parametrize("name", ["reach_cube", "cube_in_bowl"])
def test_the_expert_succeeds_at_other_rates(
    name: str, control_hz: int, engine: str, make: Make
) -> None:
    env = make(name, engine=engine, obs_mode="state", control_hz=control_hz)
    assert env.metadata["render_fps"] == control_hz
    for seed in range(3):
        steps = [*run(env, seed)]
        _, reward, terminated, truncated, info = steps[-1]
        assert (reward, terminated, truncated, info["progress"]) == (1.0, True, False, 1.0)
        assert info["success"]
        assert info["is_success"]
        assert sum(step[1] for step in steps) == 1.0
        assert len(steps) < env.task.max_s * control_hz


@pytest.mark.parametrize("name", ["reach_cube", "push_t"])
def test_the_reward_of_progress_adds_up_to_it(name: str, make: Make) -> None:
    env = make(name, obs_mode="state", reward="progress")
    steps = [*run(env, 1, 60)]
    rewards = [step[1] for step in steps]
    assert sum(rewards) == pytest.approx(steps[-1][-1]["progress"])
    assert min(rewards) >= 0
    assert sum(reward > 0 for reward in rewards) > 1


def test_time_runs_out(make: Make) -> None:
    env = make("reach_cube", obs_mode="state")
    env.reset(seed=0)
    up = np.array([0, 0, 1, 0, 0, 0, 1], np.float32)
    ends = [env.step(up)[1:4] for _ in range(round(env.task.max_s * 20))]
    assert ends[:-1] == [(0.0, False, False)] * (len(ends) - 1)
    assert ends[-1] == (0.0, False, True)


def test_a_fault_truncates_and_is_told(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    env = make("reach_cube", obs_mode="state")
    before, _ = env.reset(seed=0)

    def fault(self: Tabletop, action: np.ndarray) -> None:
        raise PhysicsFault("positions are not finite")

    monkeypatch.setattr(Tabletop, "step", fault)
    after, reward, terminated, truncated, info = env.step(env.action_space.sample())
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert info["fault"] == "positions are not finite"
    assert same(before, after)
    assert not np.shares_memory(before["proprio"], after["proprio"])


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vectors_of_environments(mode: str) -> None:
    envs = gymnasium.make_vec(
        "pi0bench/reach_cube-v1", num_envs=2, vectorization_mode=mode, obs_mode="state"
    )
    try:
        seen, _ = envs.reset(seed=3)
        assert seen["proprio"].shape == (2, 13)
        assert not np.array_equal(seen["objects"][0], seen["objects"][1])
        seen, reward, terminated, truncated, info = envs.step(envs.action_space.sample())
        assert seen in envs.observation_space
        assert not np.any([reward, terminated, truncated])
        said = [bytes(row).rstrip(b"\0").decode() for row in seen["instruction_utf8"]]
        assert said == info["instruction"].tolist()
        assert len(set(said)) == 2
    finally:
        envs.close()


def test_a_vector_starts_the_next_episode_itself() -> None:
    envs = gymnasium.make_vec("pi0bench/reach_cube-v1", num_envs=2, obs_mode="state", control_hz=10)
    try:
        first, _ = envs.reset(seed=0)
        still = np.zeros((2, 7), np.float32)
        ended = [envs.step(still)[3].all() for _ in range(60)]
        assert ended == [False] * 59 + [True]
        seen, *_, truncated, _ = envs.step(still)
        assert not truncated.any()
        assert seen in envs.observation_space
        assert not np.array_equal(seen["objects"], first["objects"])
    finally:
        envs.close()


@pytest.mark.parametrize("renderer", ["auto", "tiny"])
def test_render_draws_for_people(engine: str, renderer: str, make: Make) -> None:
    how = {"obs_mode": "state", "render_mode": "rgb_array", "renderer": renderer}
    env = make("reach_cube", engine=engine, **how)
    env.reset(seed=0)
    image = env.render()
    assert image is not None
    assert (image.shape, image.dtype) == ((360, 480, 3), np.uint8)
    assert image.std() > 10
    env.step(np.ones(7, np.float32))
    later = env.render()
    assert later is not None
    assert not np.array_equal(later, image)


@pytest.mark.parametrize(
    ("shape", "size_m", "off_m", "part", "share"),
    [
        (
            "box",
            (0.01, 0.02, 0.03),
            lambda p: np.min(np.abs(np.abs(p) - (0.01, 0.02, 0.03)), axis=1),
            lambda p: np.abs(p[:, 0]) > 0.00999,
            6 / 11,
        ),
        (
            "cylinder",
            (0.02, 0.03),
            lambda p: np.maximum(np.hypot(p[:, 0], p[:, 1]) - 0.02, np.abs(p[:, 2]) - 0.03),
            lambda p: np.abs(p[:, 2]) > 0.02999,
            1 / 4,
        ),
        (
            "capsule",
            (0.02, 0.03),
            lambda p: np.linalg.norm(p - np.clip(p, *_axis(0.03)), axis=1) - 0.02,
            lambda p: np.abs(p[:, 2]) > 0.03,
            2 / 5,
        ),
    ],
)
def test_points_are_spread_over_the_surface(
    shape: Any, size_m: tuple[float, ...], off_m: Shares, part: Shares, share: float
) -> None:
    pink = (1.0, 0.0, 1.0)
    geom = Geom(shape, size_m, from_quat([0, 0.1, 0], [1, 2, 3, 4]), (*pink, 1.0))
    pose = from_quat([0.4, 0.1, 0.2], [4, -1, 0, 2])
    body = Body("thing", (Link("thing", (geom,), 1.0),))
    poses = {"table": table().pose, "thing": pose}
    snapshot = Snapshot(panda().home_rad, 0.08, poses, {})
    scene = Scene(panda().body, (table(), body))
    points = Cloud(scene, snapshot, count=8192).points(snapshot)
    points = points[(points[:, 3:] == pink).all(axis=1), :3]
    placed = pose @ geom.pose
    local = (points - placed.pos_m) @ placed.rot
    assert len(local) > 400
    assert off_m(local) == pytest.approx(0, abs=1e-6)
    assert (np.abs(local) <= _corner(geom) + 1e-6).all()
    assert part(local).mean() == pytest.approx(share, abs=0.01)
    assert local.mean(axis=0) == pytest.approx(0, abs=0.001)


def _rgb(geom: Geom) -> tuple[float, ...]:
    return tuple(np.array(geom.rgba[:3], np.float32).tolist())


def _axis(half_m: float) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    return (0, 0, -half_m), (0, 0, half_m)


def _corner(geom: Geom) -> np.ndarray:
    """Half extents of the box around a primitive, (3,)."""
    if geom.shape == "box":
        return np.array(geom.size_m)
    radius, half = geom.size_m[0], geom.size_m[-1]
    high = {"cylinder": half, "capsule": half + radius}[geom.shape]
    return np.array([radius, radius, high])


def test_a_cloud_shows_the_hand_and_the_objects_in_their_colours(make: Make) -> None:
    env = make("reach_cube", obs_mode="pointcloud")
    points = env.reset(seed=0)[0]["points"]
    bodies = env.tabletop.layout.bodies
    links = [*(body.links[0] for body in bodies)]
    links += [link for link in panda().body.links if link.name in ("hand", *FINGERS)]
    looks = {_rgb(geom) for link in links for geom in link.geoms}
    assert {tuple(rgb.tolist()) for rgb in points[:, 3:]} == looks
    assert points[:, 2].min() > -0.005  # nothing of the table or the floor
    for body in bodies:
        own = points[(points[:, 3:] == _rgb(body.links[0].geoms[0])).all(axis=1)]
        assert len(own) > 40
        pos_m = env.tabletop.world.pose(body.name).pos_m
        assert own[:, :3].mean(axis=0) == pytest.approx(pos_m, abs=0.004)


def test_every_instruction_is_in_its_space(task_id: str, make: Make) -> None:
    env = make(task_id, obs_mode="state")
    rng = np.random.default_rng(0)
    space = env.observation_space["instruction"]  # pyright: ignore[reportIndexIssue]
    said = [place(env.task, rng).instruction for _ in range(50)]
    assert all(text in space for text in said)
    length = env.observation_space["instruction_utf8"].shape[0]  # pyright: ignore
    assert all(utf8(text, length).tobytes().rstrip(b"\0").decode() == text for text in said)
    assert {len(utf8(text, length)) for text in said} == {length}
    assert "pick up the ünicorn" not in space


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"engine": "bullet"}, 'no engine "bullet"; did you mean "pybullet"?'),
        ({"obs_mode": "depth"}, 'no observation mode "depth"; known: pointcloud, rgb, state'),
        (
            {"control_hz": 30},
            "control_hz must be one of 10, 20, 25, 50, 100 (they divide 500)",
        ),
        ({"reward": "dense"}, 'no reward "dense"; known: progress, success'),
        ({"image_side": 0}, "image_side must be from 16 to 640; got 0"),
        ({"renderer": "vulkan"}, 'no renderer "vulkan"; known: auto, gl, tiny'),
        ({"task": "reach_cubes"}, 'no task "reach_cubes"; did you mean "reach_cube"?'),
        ({"render_mode": "human"}, 'no render mode "human"; known: rgb_array'),
    ],
)
def test_wrong_keywords_are_told(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        TabletopEnv(**{"task": "reach_cube", **keywords})
    assert said in str(caught.value)


def test_wrong_actions_options_and_orders_are_told(make: Make) -> None:
    env = make("reach_cube", obs_mode="state")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(7, np.float32))
    with pytest.raises(UsageError, match='no option "seed"; known: episode'):
        env.reset(options={"seed": 1})
    with pytest.raises(UsageError, match="whole number"):
        env.reset(options={"episode": -1})
    env.reset(seed=0)
    for action in (np.zeros(6), np.full(7, np.nan)):
        with pytest.raises(UsageError, match="7 finite numbers"):
            env.step(action.astype(np.float32))


def test_the_readmes_example_runs(checkout: Path) -> None:
    text = (checkout / "README.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    (example,) = [block for block in blocks if "gymnasium.make" in block]
    assert len([line for line in example.splitlines() if line]) <= 10
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, check=True
    )
    assert "'success': True" in done.stdout
