"""Laws of bodies in another size, for every model."""

from __future__ import annotations

import numpy as np
import pytest

from pi0bench.envs import content_models
from pi0bench.envs.pose import from_rpy
from pi0bench.envs.scaled_body import scaled

FACTOR = 0.8


@pytest.mark.parametrize("name", content_models.names())
def test_all_lengths_masses_and_joints_are_in_proportion(name: str) -> None:
    body = content_models.model(name)
    small = scaled(body, FACTOR)
    for one, two in zip(body.links, small.links, strict=True):
        (centre, inertia), (near, light) = one.inertial, two.inertial
        assert two.mass_kg == pytest.approx(FACTOR**3 * one.mass_kg)
        assert near == pytest.approx(FACTOR * centre, abs=1e-12)
        assert light == pytest.approx(FACTOR**5 * inertia, abs=1e-12)
    heights = (small.bottom_m, small.top_m, small.radius_m)
    assert heights == pytest.approx(
        [FACTOR * x for x in (body.bottom_m, body.top_m, body.radius_m)]
    )
    low = [joint.range[0] for joint in body.joints]
    pose = from_rpy((0, 0, 0), (0, 0, 0.3))
    big, little = body.link_poses(pose, low), small.link_poses(pose, scaled_at(body, low))
    for link in big:
        assert little[link].pos_m == pytest.approx(FACTOR * big[link].pos_m, abs=1e-12)
        assert np.array_equal(little[link].rot, big[link].rot)
    for mark, other in zip(body.keypoints, small.keypoints, strict=True):
        assert other.pos_m == pytest.approx([FACTOR * x for x in mark.pos_m])
    if body.interior and small.interior:
        pose = big[body.interior.link]
        inside = FACTOR * body.interior.centre_m(pose)
        assert small.interior.centre_m(little[body.interior.link]) == pytest.approx(inside)


def scaled_at(body: content_models.Body, values: list[float]) -> list[float]:
    """Where the scaled body's joints stand when the body's stand there."""
    kinds = [joint.kind for joint in body.joints]
    return [at * FACTOR if k == "slide" else at for at, k in zip(values, kinds, strict=True)]


def test_a_body_of_its_own_size_is_what_it_was() -> None:
    cabinet = content_models.model("cabinet")
    same = scaled(cabinet, 1.0)
    assert [j.range for j in same.joints] == [j.range for j in cabinet.joints]
    assert (same.radius_m, same.keypoints) == (cabinet.radius_m, cabinet.keypoints)
