"""Which part of the package may import which."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from tests.imports import Rule, module_name, read, violations, within

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


RULES = {
    "statistics are arithmetic": Rule(
        modules=("pi0bench.stats",),
        ours=("pi0bench.stats",),
        outside=("numpy", "scipy", "statsmodels"),
    ),
    "results read records": Rule(
        modules=("pi0bench.results",),
        ours=(
            "pi0bench.results",
            "pi0bench.files.atomic",
            "pi0bench.errors",
            "pi0bench.content.folders",
            "pi0bench.policy_role",
        ),
        never=("torch", *ENGINES),
        unloaded=("torch", *ENGINES),
    ),
    "tasks know the world, not its engines": Rule(
        modules=("pi0bench.tasks",),
        ours=(
            "pi0bench.tasks",
            "pi0bench.errors",
            "pi0bench.content.folders",
            "pi0bench.envs.content_models",
            "pi0bench.envs.panda_kinematics",
            "pi0bench.envs.pose",
            "pi0bench.envs.scene",
            "pi0bench.envs.world_protocol",
        ),
        never=("torch", *ENGINES),
        unloaded=("torch", *ENGINES),
    ),
    "environments know no policy": Rule(
        modules=("pi0bench.envs",),
        never=("torch", "pi0bench.policies", "pi0bench.results"),
        unloaded=("torch",),
    ),
    "gymnasium is met in few places": Rule(
        modules=("pi0bench",),
        exempt=tuple(
            f"pi0bench.envs.{name}"
            for name in ("env", "gym", "named", "pace", "registration", "spaces", "still")
        ),
        never=("gymnasium",),
    ),
    "registering is light": Rule(
        modules=("pi0bench.gym.registration",),
        unloaded=("torch", *ENGINES, "imageio", "matplotlib", "pi0bench.gym.task_env"),
    ),
    "policies know no simulator": Rule(
        modules=("pi0bench.policies",),
        never=(*ENGINES, "pi0bench.envs", "pi0bench.results"),
        unloaded=ENGINES,
    ),
    "training runs without a simulator": Rule(
        modules=(
            "pi0bench.train.training_loop",
            "pi0bench.data.training_arrays",
            "pi0bench.train.keypoint_training",
        ),
        ours=(
            "pi0bench.train",
            "pi0bench.policies",
            "pi0bench.files.atomic",
            "pi0bench.errors",
            "pi0bench.content.folders",
        ),
        outside=("torch", "numpy", "safetensors"),
        unloaded=(*ENGINES, "gymnasium", "pi0bench.envs"),
    ),
    "only the command line measures": Rule(
        modules=("pi0bench",),
        exempt=("pi0bench.commands", "pi0bench.evaluate"),
        never=("pi0bench.evaluate",),
    ),
    "only the command line trains": Rule(
        modules=("pi0bench",),
        exempt=("pi0bench.commands", "pi0bench.train", "pi0bench.toy"),
        never=("pi0bench.train",),
    ),
    "the toy knows no simulator": Rule(
        modules=("pi0bench.toy",),
        ours=(
            "pi0bench.toy",
            "pi0bench.policies",
            "pi0bench.train.training_loop",
            "pi0bench.data.reflow_pairs",
            "pi0bench.results",
            "pi0bench.argument_bounds",
            "pi0bench.content.folders",
            "pi0bench.errors",
            "pi0bench.random_streams",
        ),
        never=(*ENGINES, "pi0bench.envs", "pi0bench.tasks"),
        unloaded=(*ENGINES, "gymnasium", "pi0bench.envs"),
    ),
    "the toy's world is arithmetic": Rule(
        modules=("pi0bench.toy.world",), ours=("pi0bench.toy.world",), outside=("numpy",)
    ),
    "the toy stands apart": Rule(
        modules=("pi0bench",),
        exempt=("pi0bench.commands", "pi0bench.toy"),
        never=("pi0bench.toy",),
    ),
    "the command line comes last": Rule(
        modules=("pi0bench",),
        exempt=("pi0bench.__main__", "pi0bench.cli", "pi0bench.commands"),
        never=("pi0bench.cli", "pi0bench.commands"),
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
        ("statistics are arithmetic", "results/stats/a.py", "import pandas", "imports pandas"),
        (
            "results read records",
            "results/a.py",
            "from ..tasks import spec",
            "pi0bench.tasks.task_spec",
        ),
        ("tasks know the world, not its engines", "tasks/a.py", "import mujoco.viewer", "mujoco"),
        (
            "tasks know the world, not its engines",
            "tasks/a.py",
            "from pi0bench.envs import scene",
            "loads mujoco (through pi0bench/envs/scene.py:1)",
        ),
        ("environments know no policy", "envs/a.py", "def f(): import torch", "imports torch"),
        ("gymnasium is met in few places", "envs/a.py", "import gymnasium", "imports gymnasium"),
        ("registering is light", "gym/registration.py", "from . import scene", "loads mujoco"),
        ("policies know no simulator", "policies/a.py", "from pi0bench import envs", "envs"),
        (
            "training runs without a simulator",
            "train/training_loop.py",
            "from . import demos",
            "loads pi0bench.envs.scene (through pi0bench/data/record_demonstrations.py:1)",
        ),
        (
            "training runs without a simulator",
            "train/__init__.py",
            "from . import demos",
            "importing pi0bench.train.training_loop loads mujoco",
        ),
        ("only the command line measures", "results/a.py", "import pi0bench.evaluate.run", "run"),
        ("only the command line trains", "evaluate/run.py", "import pi0bench.train", "train"),
        ("the toy knows no simulator", "toy/run.py", "from pi0bench.envs import scene", "scene"),
        ("the toy's world is arithmetic", "toy/world.py", "import torch", "imports torch"),
        ("the toy stands apart", "evaluate/run.py", "import pi0bench.toy.run", "pi0bench.toy"),
        ("the command line comes last", "tasks/a.py", "from ..cli import main", "pi0bench.cli"),
        ("the command line comes last", "tasks/a.py", "import pi0bench.commands.making", "making"),
        ("the command line loads late", "cli.py", "if True: import torch", "loads torch"),
        ("environments know no policy", "envs/a.py", "f = __import__('torch')", "imports torch"),
    ],
)
def test_a_wrong_import_is_caught(name: str, path: str, line: str, message: str) -> None:
    fake = {
        "pi0bench/cli.py": "def main():\n    import torch\n",
        "pi0bench/envs/__init__.py": "",
        "pi0bench/envs/scene.py": "import mujoco",
        "pi0bench/tasks/task_spec.py": "",
        "pi0bench/train/training_loop.py": "import torch",
        "pi0bench/data/record_demonstrations.py": "from pi0bench.envs import scene",
    }
    rule = RULES[name]
    assert violations(rule, read(fake)) == []
    wrong = violations(rule, read({**fake, f"pi0bench/{path}": f"import json\n{line}"}))
    assert any(found.startswith(f"pi0bench/{path}:2: ") and message in found for found in wrong)


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
    long = [f"{path}:{length}" for path, length in lengths.items() if length > 350]
    assert not long, f"longer than 350 lines: {', '.join(long)}"
    assert statistics.median(lengths.values()) <= 100
