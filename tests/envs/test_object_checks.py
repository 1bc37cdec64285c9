"""Object files are read whole: what is unknown, missing or cannot be is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pi0bench.content.folders import EXTRA, add_folders
from pi0bench.envs import content_models
from pi0bench.errors import UsageError

DOOR = """\
free = false
bottom_m = 0.0
top_m = 0.1
radius_m = 0.1
yaw_symmetry = 1
color = [0.5, 0.5, 0.5, 1]
[[link]]
name = "frame"
mass_kg = 1.0
geom = [{ shape = "box", size_m = [0.01, 0.1, 0.1] }]
[[link]]
name = "leaf"
mass_kg = 0.2
parent = "frame"
pos_m = [0, 0.1, 0]
hinge = [0, 0, 1]
range_rad = [0, 1.5]
friction = 0.1
geom = [{ shape = "box", size_m = [0.01, 0.1, 0.1], grid = [1, 4] }]
[[link]]
name = "bolt"
mass_kg = 0.1
parent = "leaf"
slide = [0, 1, 0]
range_m = [-0.1, 0.1]
drive = "carriage"
geom = [{ shape = "cylinder", size_m = [0.01, 0.1] }, { shape = "sphere", size_m = [0.02] }]
"""


@pytest.fixture
def object_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "envs/objects/door.toml"
    path.parent.mkdir(parents=True)
    monkeypatch.setenv(EXTRA, "")
    add_folders([tmp_path])
    return path


def test_joints_of_every_kind_are_read(object_file: Path) -> None:
    object_file.write_text(DOOR, "utf-8")
    body = content_models.model("door")
    assert [(joint.kind, joint.axis, joint.range) for joint in body.joints] == [
        ("hinge", (0, 0, 1), (0, 1.5)),
        ("slide", (0, 1, 0), (-0.1, 0.1)),
    ]
    assert [link.parent for link in body.links] == [None, "frame", "leaf"]
    assert (body.joints[0].friction, body.joints[1].drive) == (0.1, "carriage")
    assert (body.joints_at, body.frame_link) == ((0.0, 0.0), "bolt")
    assert len(body.links[1].geoms) == 4
    assert [geom.shape for geom in body.links[2].geoms] == ["cylinder", "sphere"]


HINGE = "hinge = [0, 0, 1]\n"
SLIDE = "slide = [0, 1, 0]\nrange_m = [-0.1, 0.1]\n"
WRONG = {
    "an unknown key": (
        HINGE,
        f"{HINGE}stifness = 3\n",
        '17: link.1.stifness: unknown key; did you mean "stiffness"?',
    ),
    "a hinge without its range": (
        "range_rad = [0, 1.5]\n",
        "",
        '11: link.1: a joint has "hinge", its axis, and "range_rad"',
    ),
    "a hinge with the range of a slide": (
        "range_rad = [0, 1.5]",
        "range_m = [0, 0.1]",
        '11: link.1: a joint has "slide", its axis, and "range_m"',
        '11: link.1: a joint has "hinge", its axis, and "range_rad"',
    ),
    "an axis without direction": (
        HINGE,
        "hinge = [0, 0, 0]\n",
        "16: link.1.hinge: must be an axis of length 1; got [0, 0, 0]",
    ),
    "two joints of one link": (
        HINGE,
        HINGE + SLIDE,
        '11: link.1: has one joint: either "slide" or "hinge"',
    ),
    "friction of what has no joint": (
        f"{HINGE}range_rad = [0, 1.5]\n",
        "",
        '11: link.1: "friction" is of a joint: it needs "slide" or "hinge"',
    ),
    "a drive of what does not slide": (
        SLIDE,
        "hinge = [0, 1, 0]\nrange_rad = [-0.1, 0.1]\n",
        '26: link.2.drive: only what slides is driven: it needs "slide"',
    ),
    "an unknown drive": (
        '"carriage"',
        '"carrige"',
        '26: link.2.drive: no drive "carrige"; did you mean "carriage"?',
    ),
    "an unknown parent": (
        'parent = "leaf"',
        'parent = "leef"',
        '23: link.2.parent: no link before it "leef"; did you mean "leaf"?',
    ),
    "a parent that comes later": (
        'parent = "frame"',
        'parent = "bolt"',
        '14: link.1.parent: no link before it "bolt"; known: frame',
    ),
    "two links of one name": (
        'name = "bolt"',
        'name = "leaf"',
        "21: link.2.name: there is a link 'leaf' already; rename it",
    ),
    "a root with a place": (
        'name = "frame"\n',
        'name = "frame"\npos_m = [0, 0, 1]\n',
        "7: link.0: the first link is the object's root, which has no place and no joint",
    ),
    "a free object with joints": (
        "free = false",
        "free = true",
        "7: link: an object that has joints cannot be free",
    ),
    "a grid on a cylinder": (
        '"cylinder", size_m = [0.01, 0.1]',
        '"cylinder", size_m = [0.01, 0.1], grid = [1, 2]',
        "27: link.2.geom.0.grid: only a box is divided into cells",
    ),
    "a grid of half cells": (
        "grid = [1, 4]",
        "grid = [1, 4.5]",
        "19: link.1.geom.0.grid: must be whole numbers; got [1, 4.5]",
    ),
    "a grid in a ring": (
        "grid = [1, 4]",
        "grid = [1, 4], ring = 2",
        '19: link.1.geom.0: has either "grid" or "ring"',
    ),
    "a sphere with two sizes": (
        "size_m = [0.02]",
        "size_m = [0.02, 0.1]",
        "27: link.2.geom.1.size_m: must be [radius]",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_its_line(name: str, object_file: Path) -> None:
    old, new, *said = WRONG[name]
    assert DOOR.count(old) == 1
    object_file.write_text(DOOR.replace(old, new), "utf-8")
    with pytest.raises(UsageError) as error:
        content_models.model("door")
    assert str(error.value).split("\n") == [f"{object_file}:{line}" for line in said]
