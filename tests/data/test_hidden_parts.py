"""Eyes learn from recorded moments, which keep what was hidden, and from invented ones."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.data.worlds.tabletop import TabletopWorld
from pi0bench.envs.cameras import picture
from pi0bench.envs.panda_kinematics import forward
from pi0bench.random_streams import stream
from pi0bench.task import predicates


def test_a_recorded_moment_shows_the_dirt_and_the_belt_as_they_were() -> None:
    world = TabletopWorld("mujoco")
    for task, steps in (("wipe_the_patch", 55), ("cube_off_the_belt", 23)):
        episode = world.begin(task, 0, 0)
        for _ in range(steps):
            episode.step(episode.expert_action())
        then = world.scenery(task, 0, 0).moment(world.note(episode))
        assert then.snapshot.hidden == episode.snapshot().hidden
        scene = episode.world.scene
        seen, recorded = picture(scene, episode.snapshot()), picture(then.scene, then.snapshot)
        assert np.abs(seen.pos_m - recorded.pos_m).max() < 1e-5
        own = episode.script.keypoints_m(scene, episode.world.pose, episode.script.hidden())
        found = {point.name: point.pos_m for point in then.keypoints()}
        assert bool(own) == (task == "wipe_the_patch")
        for name, there in own.items():
            assert np.abs(found[name] - there).max() < 1e-5
        episode.close()


def test_eyes_learn_where_the_next_dirt_is_in_invented_moments_too() -> None:
    world = TabletopWorld("mujoco")
    assert "dirt" in world.keypoint_heights_m(["wipe_the_patch"])
    assert "dirt" not in world.keypoint_heights_m(["cube_in_bowl"])
    clean = []
    for number in range(20):
        moment = world.invent("wipe_the_patch", lambda *_: None, stream("scene", 0, number))  # type: ignore[arg-type,return-value]
        clean.append(len(moment.snapshot.hidden))
        names = [point.name for point in moment.keypoints()]
        assert ("dirt" in names) == (clean[-1] < 144)
    assert min(clean) == 0
    assert max(clean) > 100


@pytest.mark.parametrize(
    ("task", "name"), [("ring_on_tight_peg", "ring"), ("plug_in_socket", "plug")]
)
def test_invented_hands_hold_things_as_the_expert_does(task: str, name: str) -> None:
    """Upright, and between fingers that are as far apart as the thing is wide."""
    world = TabletopWorld("mujoco")
    episode = world.begin(task, 0, 0)
    while not predicates.held(episode.world, name):
        episode.step(episode.expert_action())
    real = episode.snapshot()
    episode.close()
    held = 0
    for number in range(150):
        snap = world.invent(task, lambda *_: None, stream("scene", 0, number)).snapshot  # type: ignore[arg-type,return-value]
        tool, pose = forward(snap.q_rad), snap.poses[name]
        if np.abs(pose.pos_m - tool.pos_m).max() < 0.012 and tool.pos_m[2] > 0.1:
            held += 1
            assert pose.rot[2, 2] > 0.95
            assert snap.width_m == pytest.approx(real.width_m, abs=0.003)
    assert held > 5
