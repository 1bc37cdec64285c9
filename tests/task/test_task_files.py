from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from pi0bench.content.toml_lines import lines_of
from pi0bench.errors import UsageError
from pi0bench.task.task_files import files, load, suite, suites, task, task_ids
from pi0bench.task.task_spec import TaskSpec

GOOD = """\
summary = "Stack one named cube on another."
version = 1
max_s = 9.0
hold_s = 0.5
instructions = [
  "put the {top.color} cube on the {base.color} cube",
  "the {top.color} cube goes on the {base.color} cube",
]
plan = ["pick(top)", "put_on(top, base) if held(top)", "leave(top) if on(top, base)"]
stages = [
  "near(top)",
  "held(top)",  # "on(top, base)" comes last
  "on(top, base)",
]

[goal]
all = ["on(top, base)", "released(top)"]

[objects.top]  # the one that is moved
model = "cube"
color = ["red", "green", "blue"]
place = { x_m = [0.38, 0.62], y_m = [-0.22, 0.22], yaw_deg = [-30, 30] }

[objects.base]
model = "cube"
color = ["red", "green", "blue"]

[objects.base.place]
x_m = [0.38, 0.62]
y_m = [-0.22, 0.22]
"""

PLAN = '["pick(top)", "put_on(top, base) if held(top)", "leave(top) if on(top, base)"]'

# What is replaced in GOOD, by what; the messages are in golden_errors.txt under the same name.
BROKEN = {
    "unknown object in the goal": [('["on(top, base)", "rel', '["on(topp, base)", "rel', 1)],
    "unknown predicate": [('"released(top)"', '"relaesed(top)"', 1)],
    "unknown skill": [("pick(top)", "pikc(top)", 1)],
    "unknown key": [("hold_s", "holds_s", 1)],
    "unknown key of an object": [('model = "cube"\n', 'model = "cube"\nmas_kg = 1\n', 1)],
    "missing keys": [("max_s = 9.0\n", "", 1), ('model = "cube"\n', "", 2)],
    "missing place": [
        ("place = { x_m = [0.38, 0.62], y_m = [-0.22, 0.22], yaw_deg = [-30, 30] }", "", 1)
    ],
    "wrong types": [
        ('"Stack one named cube on another."', "3", 1),
        ("9.0", '"long"', 1),
        ("0.5", "true", 1),
        (PLAN, '"pick(top)"', 1),
        ('"held(top)"', "7", 1),
    ],
    "bad ranges": [
        ("[0.38, 0.62]", "[0.62, 0.38]", 1),
        ("[-30, 30]", "[-30, 300]", 1),
        ("[-0.22, 0.22]", "[-0.22]", 2),
    ],
    "not a number": [("9.0", "nan", 1), ("0.38", "inf", 1)],
    "unknown colour": [('"green", "blue"]\nplace', '"gren", "blue"]\nplace', 1)],
    "a colour that is a list": [('["red", "green", "blue"]\nplace', '[["red"]]\nplace', 1)],
    "unknown model": [('"cube"\n', '"cubes"\n', 1)],
    "unknown instruction field": [
        ('on the {base.color} cube",\n]', 'on the {bass.color} cube",\n]', 1),
        ("{top.color} cube goes", "{base.colour} cube goes", 1),
    ],
    "instruction with a format": [
        ("{top.color} cube goes", "{top.color:>999999999} {top.color!r} {} {top.__class__} goes", 1)
    ],
    "unfinished instruction": [("{top.color} cube goes", "{top.color cube goes", 1)],
    "empty lists": [
        (PLAN, "[]", 1),
        ('["on(top, base)", "released(top)"]', "[]", 1),
    ],
    "not TOML": [("max_s = 9.0", "max_s = nine", 1)],
    "a plan's conditions": [
        ('["pick(top)"', '["pick(top) if held(top)"', 1),
        ("if held(top)", "if helt(top)", 2),
        ("if on(top, base)", "if on(top, base) or held(top)", 1),
    ],
    "a script": [
        ("[goal]", '[script]\nkind = "mole"\nthings = ["top", "bas"]\n\n[goal]', 1),
    ],
    "a script of other things": [
        ("[goal]", '[script]\nkind = "moles"\nthings = ["top", "base"]\n\n[goal]', 1),
    ],
    "a call that is no call": [
        ('"on(top, base)", "released', '"__import__(\'os\')", "released', 1),
        ('"held(top)"', '"on(top, base) and True"', 1),
        ('"leave(top) if on(top, base)"', '"leave"', 1),
    ],
    "arguments that do not fit": [
        ('"near(top)"', '"near(top, base)"', 1),
        ('"held(top)"', '"near(top, reach_m=base)"', 1),
    ],
    "an object that cannot do it": [
        ('"put_on(top, base) if', '"push_shut(top)", "put_in(top, base) if', 1),
        ('"held(top)"', '"pressed(base)"', 1),
    ],
    "unknown suite": [("version = 1", 'version = 1\ntags = ["precice"]', 1)],
    "choices": [
        ("[goal]", '[choose]\none = ["top", "bas"]\ntop = ["top"]\nall = []\n\n[goal]', 1),
        ("pick(top)", "pick(any)", 1),
    ],
    "a shared colour": [
        ('color = ["red", "green", "blue"]\nplace', 'color = "bass.color"\nplace', 1),
        ('color = ["red", "green", "blue"]\n\n', 'color = "top.color"\n\n', 1),
    ],
    "a joint where there is none": [("yaw_deg = [-30, 30]", "joint_m = [0, 0.1]", 1)],
    "a joint of another kind": [
        ('"cube"\ncolor = ["red", "green", "blue"]\nplace', '"cabinet"\ncolor = "red"\nplace', 1),
        ("yaw_deg = [-30, 30]", "joint_rad = [0, 0.1]", 1),
    ],
    "on what is not there": [("x_m = [0.38, 0.62]\ny_m", 'on = "topp"\nz_m = [0, 0.1]\ny_m', 1)],
    "within what has no inside": [("y_m = [-0.22, 0.22]\n", 'within = "top"\n', 1)],
    "both on and within": [("y_m = [-0.22, 0.22]\n", 'on = "top"\nwithin = "top"\n', 1)],
    "two objects that carry each other": [
        ("yaw_deg = [-30, 30]", 'on = "base"', 1),
        ("y_m = [-0.22, 0.22]\n", 'y_m = [0, 0]\non = "top"\n', 1),
    ],
    "a roll and a speed that cannot be": [
        ("yaw_deg = [-30, 30]", "roll_deg = [10, 20], speed_m_s = [0, 0.1]", 1),
        ("y_m = [-0.22, 0.22]\n", 'y_m = [0, 0]\napart_m = 1\neither_way = ["roll_deg"]\n', 1),
    ],
    "a ceiling below the start": [("version = 1", "version = 1\nceiling_m = 0.25", 1)],
    "neither stages nor score": [("stages = [", "modes = [", 1)],
    "a side": [('model = "cube"\n', 'model = "cube"\nside = "up"\n', 1)],
    "names of the robot": [("[objects.base]", "[objects.hand]", 1)],
    "sections of another kind": [("[goal]\nall", "[[goal]]\nall", 1)],
    "several problems at once": [
        ("version", "verison", 1),
        ("on(top, base)", "on(topp, base)", 5),
        ('"blue"]\n\n', '"blu"]\n\n', 1),
        ("y_m = [-0.22, 0.22]\n", "y_m = [-0.22, 2.2]\n", 1),
    ],
}


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "task.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(UsageError) as error:
        load(write(tmp_path, text))
    return str(error.value).replace(f"{tmp_path}/", "")


def broken(name: str) -> str:
    text = GOOD
    for old, new, count in BROKEN[name]:
        assert text.count(old) >= count, old
        text = text.replace(old, new, count)
    return text


@pytest.fixture(scope="module")
def golden(checkout: Path) -> dict[str, str]:
    text = (checkout / "tests" / "task" / "golden_errors.txt").read_text("utf-8")
    sections = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)[1:]
    return {name: said.strip() for name, said in zip(sections[::2], sections[1::2], strict=True)}


@pytest.mark.parametrize("name", BROKEN)
def test_every_problem_is_told_with_its_line(
    name: str, tmp_path: Path, golden: dict[str, str]
) -> None:
    assert refusal(tmp_path, broken(name)) == golden[name]


def test_the_golden_file_has_no_stale_messages(golden: dict[str, str]) -> None:
    assert list(golden) == list(BROKEN)


def test_the_unbroken_file_is_a_task(tmp_path: Path) -> None:
    spec = load(write(tmp_path, GOOD))
    assert (spec.id, spec.version, spec.hold_s) == ("task", 1, 0.5)
    assert [str(rule) for rule in spec.ways[0].plan] == [
        "pick(top)",
        "put_on(top, base) if held(top)",
        "leave(top) if on(top, base)",
    ]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"task.toml: No such file or directory"):
        load(tmp_path / "task.toml")
    with pytest.raises(UsageError, match=r": Is a directory"):
        load(tmp_path)


def test_lines_are_right_whatever_the_layout() -> None:
    text = '''\
# a = 1
a = """
b = 2
"""  # c = 3
"quoted key" = 'x = "y"'
list = [
  # nothing = 0

  [1, 2],
  { inner = "}", other = [
    3 ] },
]
d.e.f = 1.5

[g . "h"]  # header
i = 1979-05-27T07:32:00Z
[[rows]]
j = """"quoted\\""""
k = true
'''
    lines = lines_of(text)
    expected = {
        "a": 2, "quoted key": 5, "list": 6, "list.0": 9, "list.0.1": 9, "list.1": 10,
        "list.1.inner": 10, "list.1.other": 10, "list.1.other.0": 11, "d.e.f": 13, "g.h": 15,
        "g.h.i": 16, "rows": 17, "rows.0": 17, "rows.0.j": 18, "rows.0.k": 19,
    }  # fmt: skip
    assert {place: lines.get(place) for place in expected} == expected
    assert not {"b", "c", "nothing", "x"} & set(lines)


def test_every_suite_lists_tasks_that_load() -> None:
    assert "tabletop" in suites()
    for name in suites():
        assert {spec.id for spec in suite(name)} <= set(task_ids())


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r'no suite "tabeltop"; did you mean "tabletop"\?'):
        suite("tabeltop")
    with pytest.raises(UsageError, match=r'no task "reach"; did you mean "reach_cube"\?'):
        task("reach")


def test_files_are_found_below_folders(tmp_path: Path) -> None:
    assert {path.stem for path in files([])} == set(task_ids())
    path = write(tmp_path, GOOD)
    assert files([tmp_path]) == files([path]) == [path]
    with pytest.raises(UsageError, match="no such file or folder"):
        files([tmp_path / "nothing"])


def test_a_task_is_one_line_of_colours_away_from_any_wording(spec: TaskSpec) -> None:
    """Every wording can be filled in with every colour that can be drawn."""
    for template in spec.instructions:
        for color in {color for item in spec.objects for color in item.color}:
            words = {item.name: SimpleNamespace(color=color, side="left") for item in spec.objects}
            said = template.format(**words)
            assert (color in said) == (".color" in template)
            assert ("left" in said) == (".side" in template)
            assert "{" not in said
