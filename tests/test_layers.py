"""Which part of the package may import which."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.imports import Import, Rule, module_name, read, violations, within

ENGINES = ("mujoco", "pybullet")
HEAVY = (
    *ENGINES,
    "gymnasium",
    "imageio",
    "matplotlib",
    "numpy",
    "pandas",
    "pydantic",
    "ray",
    "robosuite",
    "safetensors",
    "scipy",
    "statsmodels",
    "torch",
    "pi0bench.evaluate",
    "pi0bench.train",
    "pi0bench.toy",
)


FLOORS = (
    ("errors", "version", "random_streams", "import_hook"),
    ("argument_bounds", "policy_role", "training_names"),
    ("files", "content"),
    ("machine",),
    ("stats",),
    ("records",),
    ("envs",),
    ("task",),
    ("robosuite", "gym"),
    ("policy",),
    ("openpi",),
    ("pi0",),
    ("report",),
    ("release",),
    ("data",),
    ("train",),
    ("toy",),
    ("evaluate",),
    ("doctor", "api"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""The rooms from the ground up; none imports one that stands higher, or beside it."""

SIMULATED = ("pi0bench.envs", "pi0bench.task", "pi0bench.gym", "pi0bench.robosuite")

RULES = {
    "statistics are arithmetic": Rule(
        modules=("pi0bench.stats",),
        ours=("pi0bench.stats",),
        outside=("numpy", "scipy", "statsmodels"),
    ),
    "records and reports run nothing": Rule(
        modules=("pi0bench.records", "pi0bench.report", "pi0bench.release"),
        never=("torch", *ENGINES, *SIMULATED, "pi0bench.policy"),
        unloaded=("torch", *ENGINES),
    ),
    "tasks and environments know no policy and no network": Rule(
        modules=SIMULATED, never=("torch", "pi0bench.policy", "pi0bench.records")
    ),
    "engines are loaded late": Rule(
        modules=("pi0bench.task",), never=ENGINES, unloaded=("torch", *ENGINES)
    ),
    "gymnasium is met in one room": Rule(
        modules=("pi0bench",), exempt=("pi0bench.gym", "pi0bench.api"), never=("gymnasium",)
    ),
    "registering is light": Rule(
        modules=("pi0bench.gym.registration",),
        unloaded=("torch", *ENGINES, "imageio", "matplotlib", "pi0bench.gym.task_env"),
    ),
    "policies know no simulator": Rule(
        modules=("pi0bench.policy",),
        never=(*ENGINES, *SIMULATED, "pi0bench.records"),
        unloaded=ENGINES,
    ),
    "training runs without a simulator": Rule(
        modules=(
            "pi0bench.train.training_loop",
            "pi0bench.train.keypoint_training",
            "pi0bench.data.training_arrays",
        ),
        unloaded=(*ENGINES, "gymnasium", *SIMULATED),
    ),
    "the toy knows no simulator": Rule(
        modules=("pi0bench.toy",),
        never=(*ENGINES, *SIMULATED),
        unloaded=(*ENGINES, "gymnasium", *SIMULATED),
    ),
    "the toy's world is arithmetic": Rule(
        modules=("pi0bench.toy.world",), ours=("pi0bench.toy.world",), outside=("numpy",)
    ),
    "the toy stands apart": Rule(
        modules=("pi0bench",),
        exempt=("pi0bench.commands", "pi0bench.toy"),
        never=("pi0bench.toy",),
    ),
    "the command line loads late": Rule(modules=("pi0bench.cli",), unloaded=HEAVY),
}


@pytest.fixture(scope="module")
def sources(checkout: Path) -> dict[str, str]:
    files = sorted((checkout / "pi0bench").rglob("*.py"))
    return {file.relative_to(checkout).as_posix(): file.read_text("utf-8") for file in files}


@pytest.mark.parametrize("name", RULES)
def test_imports_point_one_way(name: str, sources: dict[str, str]) -> None:
    wrong = violations(RULES[name], read(sources))
    assert not wrong, "\n".join([f"{name}:", *wrong])


@pytest.mark.parametrize("name", RULES)
def test_each_rule_binds_some_file(name: str, sources: dict[str, str]) -> None:
    modules = set(map(module_name, sources))
    for bound in RULES[name].modules:
        package = ".".join(bound.split(".")[:2])
        if any(within(module, (package,)) for module in modules):
            assert any(within(module, (bound,)) for module in modules), f"no module {bound}"


@pytest.mark.parametrize(
    ("name", "path", "line", "message"),
    [
        ("statistics are arithmetic", "stats/a.py", "import pandas", "imports pandas"),
        ("records and reports run nothing", "report/a.py", "import torch", "imports torch"),
        (
            "records and reports run nothing",
            "records/a.py",
            "from ..task import task_spec",
            "pi0bench.task.task_spec",
        ),
        ("engines are loaded late", "task/a.py", "import mujoco.viewer", "mujoco"),
        (
            "engines are loaded late",
            "task/a.py",
            "from pi0bench.envs import scene",
            "loads mujoco (through pi0bench/envs/scene.py:1)",
        ),
        (
            "tasks and environments know no policy and no network",
            "envs/a.py",
            "def f(): import torch",
            "imports torch",
        ),
        (
            "tasks and environments know no policy and no network",
            "gym/a.py",
            "f = __import__('torch')",
            "imports torch",
        ),
        ("gymnasium is met in one room", "envs/a.py", "import gymnasium", "imports gymnasium"),
        (
            "registering is light",
            "gym/registration.py",
            "from pi0bench.envs import scene",
            "mujoco",
        ),
        ("policies know no simulator", "policy/a.py", "from pi0bench import envs", "envs"),
        (
            "training runs without a simulator",
            "train/training_loop.py",
            "from . import demos",
            "loads pi0bench.envs.scene (through pi0bench/train/demos.py:1)",
        ),
        (
            "training runs without a simulator",
            "train/__init__.py",
            "from . import demos",
            "importing pi0bench.train.training_loop loads mujoco",
        ),
        ("the toy knows no simulator", "toy/run.py", "from pi0bench.envs import scene", "scene"),
        ("the toy's world is arithmetic", "toy/world.py", "import torch", "imports torch"),
        ("the toy stands apart", "evaluate/run.py", "import pi0bench.toy.run", "pi0bench.toy"),
        ("the command line loads late", "cli.py", "if True: import torch", "loads torch"),
    ],
)
def test_a_wrong_import_is_caught(name: str, path: str, line: str, message: str) -> None:
    fake = {
        "pi0bench/cli.py": "def main():\n    import torch\n",
        "pi0bench/envs/__init__.py": "",
        "pi0bench/envs/scene.py": "import mujoco",
        "pi0bench/task/task_spec.py": "",
        "pi0bench/train/training_loop.py": "import torch",
        "pi0bench/train/demos.py": "from pi0bench.envs import scene",
    }
    rule = RULES[name]
    assert violations(rule, read(fake)) == []
    wrong = violations(rule, read({**fake, f"pi0bench/{path}": f"import json\n{line}"}))
    assert any(found.startswith(f"pi0bench/{path}:2: ") and message in found for found in wrong)


def test_no_arrow_runs_up(sources: dict[str, str]) -> None:
    wrong = climbing(read(sources))
    assert not wrong, "\n".join(wrong)
    up = {"pi0bench/envs/a.py": "def f():\n    from pi0bench.task import b"}
    assert climbing(read(up)) == ["pi0bench/envs/a.py:2: envs imports task"]
    assert climbing(read({"pi0bench/new/a.py": "import pi0bench.errors"})) == ["new: on no floor"]


def climbing(imports: Mapping[str, list[Import]]) -> list[str]:
    """Every import of a room by one that does not stand above it."""
    floor = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    wrong = []
    for module, found in imports.items():
        room = (*module.split("."), "")[1]
        if room not in floor and room:
            wrong.append(f"{room}: on no floor")
            continue
        for one in found:
            target = (*one.target.split("."), "")[1] if within(one.target, ("pi0bench",)) else ""
            if room and target and target != room and floor[target] >= floor[room]:
                wrong.append(f"{one.where}: {room} imports {target}")
    return wrong


def test_no_circle(sources: dict[str, str]) -> None:
    assert circle(read(sources)) == []
    two = {"pi0bench/a.py": "from pi0bench import b", "pi0bench/b.py": "import pi0bench.a"}
    assert circle(read(two)) == ["pi0bench.a", "pi0bench.b"]


def circle(imports: Mapping[str, list[Import]]) -> list[str]:
    """The modules of a circle of imports, those inside functions included."""
    graph = {
        module: {one.target for one in found if one.target in imports} - {module}
        for module, found in imports.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return sorted(set(error.args[1]))
    return []


def test_importing_the_package_is_quick_and_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import pi0bench; "
        "took = time.process_time() - start; assert not {'torch', 'numpy'} & set(sys.modules); "
        "sys.stdout.write(str(took))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    assert min(float(run.stdout) for run in runs) < 0.2


def test_files_are_short(sources: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources.items()}
    long = [f"{path}:{length}" for path, length in lengths.items() if length > 250]
    assert not long, f"longer than 250 lines: {', '.join(long)}"
    assert statistics.median(lengths.values()) <= 100
