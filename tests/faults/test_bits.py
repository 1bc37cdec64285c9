"""The same records, whatever instruction set the environment or the processor suggests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pi0bench.envs.render.choose_renderer import make
from pi0bench.errors import MachineError
from pi0bench.machine import processor
from pi0bench.machine.instruction_set import environment
from pi0bench.policy.policy_folders import WEIGHTS, folders
from tests.faults.processes import PLAIN

_ALL = ("pi0", "bc", "fast", "nflow", "rt1", "act", "diffusion_policy", "dp3")
KINDS = (*(name for name in _ALL if (folders()[name] / WEIGHTS).exists()), "expert")
"""Policies whose networks are made of other operations; of those, the trained ones."""
SUGGESTED = {
    "nothing": {},
    "default": {
        "ATEN_CPU_CAPABILITY": "default",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "MKL_CBWR": "AUTO",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
        "OMP_NUM_THREADS": "2",
    },
    "avx2": {"ATEN_CPU_CAPABILITY": "avx2"},
    "avx512": {
        "ATEN_CPU_CAPABILITY": "avx512",
        "ONEDNN_MAX_CPU_ISA": "AVX512_CORE",
        "OPENBLAS_CORETYPE": "SkylakeX",
        "NPY_ENABLE_CPU_FEATURES": "X86_V4",
    },
}
"""By the greatest instruction set that they mean; a processor without it would crash at once."""

# A program that uses the library, with numpy long loaded and no guard around its main module.
LIBRARY = """
import sys
import numpy, torch
torch.randn(2, 2) @ torch.randn(2, 2), numpy.ones((2, 2)) @ numpy.ones((2, 2))
from pathlib import Path
from rich.console import Console
from pi0bench.evaluate.cells import Settings
from pi0bench.evaluate.run_options import How
from tests.runs import run
*policies, out = sys.argv[1:]
settings = Settings(tuple(policies), ("short_button",), renderer="tiny", episodes=1)
sys.exit(run(settings, Path(out), How(video=False), Console()))
"""


@pytest.fixture
def short(checkout: Path, tmp_path: Path) -> dict[str, str]:
    """The environment, without a pin, of a process that knows a task of few steps."""
    task = (checkout / "tasks" / "tabletop" / "press_button.toml").read_text()
    folder = tmp_path / "content" / "tasks" / "own"
    folder.mkdir(parents=True)
    (folder / "short_button.toml").write_text(task.replace("max_s = 6.0", "max_s = 1.0"))
    bare = {name: value for name, value in os.environ.items() if name not in environment()}
    here = {"PYTHONPATH": str(checkout), "PI0BENCH_CONTENT": str(tmp_path / "content")}
    return {**bare, **here}


def measured(out: Path, around: dict[str, str], *command: str) -> bytes:
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=around, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (out / "episodes.jsonl").read_bytes()


def run(out: Path, around: dict[str, str], policies: tuple[str, ...], *how: str) -> bytes:
    asked = ("run", "--policy", *policies, "--task", "short_button", "--episodes", "1")
    return measured(out, around, *PLAIN, *asked, "--no-video", "--out", str(out), *how)


def suggested(capable: str) -> list[str]:
    """Those that this processor can follow."""
    return [name for name in SUGGESTED if name != "avx512" or capable == "avx512"]


def test_the_bits_of_every_kind_of_kernel(tmp_path: Path, short: dict[str, str]) -> None:
    """Matrix products, convolutions and numpy's own: in this order of executors the quickest."""
    policies = KINDS[:2]
    greatest = SUGGESTED[suggested(processor.level())[-1]]
    how = ("--renderer", "tiny", "--executor")
    inline = run(tmp_path / "1", {**short, **greatest}, policies, *how, "inline")
    local = run(tmp_path / "2", {**short, **SUGGESTED["default"]}, policies, *how, "local")
    assert inline == local
    assert inline.count(b"\n") == 2


@pytest.mark.slow
def test_a_program_with_numpy_loaded(tmp_path: Path, short: dict[str, str]) -> None:
    script = tmp_path / "program.py"
    script.write_text(LIBRARY)
    once = measured(tmp_path / "1", short, str(script), "pi0", str(tmp_path / "1"))
    again = run(tmp_path / "2", short, ("pi0",), "--renderer", "tiny", "--executor", "inline")
    assert once == again


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["mujoco", "pybullet"])
@pytest.mark.parametrize("renderer", ["tiny", "gl"])
def test_the_bits_of_every_network(
    tmp_path: Path, short: dict[str, str], renderer: str, engine: str
) -> None:
    try:
        make(renderer).close()
    except MachineError as error:
        pytest.skip(str(error))
    how = ("--renderer", renderer, "--engine", engine)
    records = {
        name: run(tmp_path / name, {**short, **SUGGESTED[name]}, KINDS, *how)
        for name in suggested(processor.level())
    }
    assert [name for name in records if records[name] != records["nothing"]] == []
    assert records["nothing"].count(b"\n") == len(KINDS)
