"""A machine that lacks something: the run does without it, or says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pi0bench.cli import main
from pi0bench.envs.physics import ENGINES
from pi0bench.envs.render import opengl_context, opengl_renderer
from pi0bench.envs.render.choose_renderer import choose
from pi0bench.envs.render.one_per_thread import OnePerThread
from pi0bench.envs.world_protocol import PhysicsFault
from pi0bench.errors import MachineError
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.episode_jobs import Measure
from pi0bench.evaluate.run_options import How
from pi0bench.evaluate.worker import Worker
from pi0bench.policy import registry
from pi0bench.task.tabletop_episode import Tabletop
from tests.runs import run

LOOK = """
from pi0bench.envs.render.choose_renderer import choose, make
from pi0bench.errors import MachineError
name, why = choose("auto", "mujoco")
print(name, "|", why)
make(name).close()
try:
    print(choose("gl", "mujoco")[0])
except MachineError as error:
    print(error)
"""


def asked(*policies: str) -> Settings:
    return Settings(policies, ("reach_cube",), renderer="tiny", episodes=4)


def words(console: Console) -> str:
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


def test_without_opengl_auto_draws_with_tiny_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    without_opengl(monkeypatch)
    name, why = choose("auto", "mujoco")
    assert name == "tiny"
    assert why.startswith("This machine has no OpenGL (egl: no driver; osmesa: no driver).")
    assert why.endswith("Drawing with tiny instead.")
    assert "\n" not in why
    assert choose("tiny", "mujoco") == ("tiny", "")


def test_without_opengl_gl_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_opengl(monkeypatch)
    with pytest.raises(MachineError, match="no OpenGL"):
        choose("gl", "mujoco")
    args = ["run", "--policy", "zero", "--task", "reach_cube", "--renderer", "gl"]
    assert main([*args, "--out", str(tmp_path / "run")]) == 6
    assert capsys.readouterr().err.startswith("pi0bench: This machine has no OpenGL (egl: ")
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    with pytest.raises(MachineError, match=r"no OpenGL \(osmesa: no driver\)"):
        choose("gl", "mujoco")


def without_opengl(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError("no driver\nand more lines")

    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(opengl_context, "import_module", missing)
    monkeypatch.setattr(opengl_context, "_forget", lambda *_: None)
    monkeypatch.setattr(opengl_renderer, "_stage", OnePerThread(opengl_renderer._Stage))


@pytest.mark.parametrize("asked", ["egl", "vulkan"])
def test_a_wrong_mujoco_gl_is_no_crash(asked: str, checkout: Path) -> None:
    """EGL without any vendor's library, and a kind that there is not."""
    hidden = {"__EGL_VENDOR_LIBRARY_FILENAMES": "/dev/null"} if asked == "egl" else {}
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(checkout), "MUJOCO_GL": asked, **hidden},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    chosen, refused = done.stdout.splitlines()
    if asked == "egl":
        assert chosen.startswith("tiny | This machine has no OpenGL (egl: ")
    if chosen.startswith("tiny"):
        assert refused.startswith("This machine has no OpenGL (")
    else:
        assert (chosen, refused) == ("gl | ", "gl")


@pytest.mark.parametrize("engine", ENGINES)
def test_many_episodes_take_no_more_memory_than_a_few(engine: str, cells_of: Any) -> None:
    """A world that is not freed is over 1 MB in either engine."""

    def many(count: int) -> float:
        for _ in range(count):
            worker.measure(Measure(cells))
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    worker = Worker({"broken": Broken()})
    cells = cells_of(Broken(), engine=engine, episodes=1)
    few_mb = many(5)
    assert many(25) - few_mb < 15


class Broken:
    """Ends its episode at once, so that most of it is the building of a world."""

    name, traits = "broken", registry.load("zero").traits

    def plan(self, *_: Any, **__: Any) -> Any:
        return None


def test_what_could_not_be_measured_is_told_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def step(*_: Any) -> Any:
        raise PhysicsFault("velocities are not finite")

    with monkeypatch.context() as patch:
        patch.setattr(Tabletop, "step", step)
        assert run(asked("expert"), tmp_path, How(), console) == 3
        assert "There is no table meanwhile" in words(console)
        assert run(asked("expert"), tmp_path, How(incomplete=True), console) == 3
    said = words(console)
    assert "4 episodes were not measured; the same command tries again" in said
    assert "4 times env_fault: PhysicsFault: velocities are not finite" in said
    assert "Nothing was measured, so there is no table." in said
    assert not (tmp_path / "table.md").exists()
    assert run(asked("expert"), tmp_path, How(video=False), Console(quiet=True)) == 0
    assert (tmp_path / "episodes.jsonl").read_bytes().count(b'"success"') == 4
    assert "4/4" in (tmp_path / "table.md").read_text()


def test_something_broken_around_the_policy_is_not_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    def step(*_: Any) -> Any:
        raise OSError("no such device")

    monkeypatch.setattr(Tabletop, "step", step)
    assert run(asked("expert"), tmp_path, How(), console) == 3
    assert "4 times infra_error: OSError: no such device" in words(console)


def test_zero_episodes_are_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ["run", "--policy", "zero", "--episodes", "0", "--out", str(tmp_path / "run")]
    assert main(args) == 2
    assert "--episodes: 0 is too few" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
