"""Clouds of demonstrations are those of an evaluation's moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pi0bench.data import point_clouds
from pi0bench.data.array_files import read
from pi0bench.data.record_demonstrations import collect
from pi0bench.data.worlds.tabletop import layout_of
from pi0bench.envs.state_and_points import Cloud
from pi0bench.task.tabletop_episode import Tabletop
from pi0bench.task.task_files import task


def test_a_file_of_points_holds_what_an_episode_shows(tmp_path: Path) -> None:
    spec = task("reach_cube")
    source = collect([task("press_button"), spec], 4, tmp_path / "demos.npz", workers=1)
    out = point_clouds.encode(source, 64, tmp_path / "points.npz", [spec.id], workers=1)
    arrays, about = read(out)
    assert {row["task"] for row in about["episodes"]} == about["tasks"].keys() == {spec.id}
    count = len(arrays["said"])
    assert arrays["xyz"].shape == (count, 64, 3)
    assert arrays["rgb"].shape == (len(about["episodes"]), 64, 3)
    assert arrays["actions"].shape == (count, 16, 7)
    assert "eyes" not in about
    assert set(arrays["episode"]) == set(range(len(about["episodes"])))
    for number in (0, 1):
        layout = layout_of(spec, about["seed"], about["episodes"][number]["episode"])
        env = Tabletop(spec, layout, about["engine"])
        seen = Cloud(env.world.scene, env.snapshot(), 64).points(env.snapshot())
        env.close()
        colours = arrays["rgb"][number] / 255
        np.testing.assert_allclose(colours, seen[:, 3:], atol=0.003)
        first = np.flatnonzero(arrays["episode"] == number)[0]
        # The first window of the first episode is its first step; that of the second is later.
        if number == 0:
            np.testing.assert_allclose(arrays["xyz"][first], seen[:, :3], atol=1e-3)
