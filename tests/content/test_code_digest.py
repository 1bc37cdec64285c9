from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pi0bench.content import code_digest

UNDECIDING = (
    "argument_bounds",
    "files",
    "import_hook",
    "machine",
    "records",
    "report",
    "stats",
    "version",
)
"""Loaded to measure, and without a say in what a record holds."""


def test_code_that_measures_is_all_in_the_digest() -> None:
    modules = ("evaluate.worker", "evaluate.worker_process", "openpi.remote_policy")
    loads = "import sys;" + "".join(f"import pi0bench.{module};" for module in modules)
    said = "sys.stdout.write(' '.join(m for m in sys.modules if m.startswith('pi0bench.')))"
    command = [sys.executable, "-c", f"{loads}{said}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    loaded = {name.removeprefix("pi0bench.") for name in done}
    known = [name.removesuffix(".py").replace("/", ".") for name in code_digest._DECIDES]
    assert "evaluate.episode_loop" in loaded
    within = tuple(f"{name}." for name in (*known, *UNDECIDING))
    assert {name for name in loaded if not f"{name}.".startswith(within)} == set()


def test_only_what_measures_changes_the_digest(tmp_path: Path, checkout: Path) -> None:
    for name in ("pi0bench", "envs", "tasks", "pyproject.toml"):
        copy = shutil.copy if (checkout / name).is_file() else shutil.copytree
        copy(checkout / name, tmp_path / name)

    def digest() -> str:
        code = "import sys, pi0bench.content.code_digest as v; sys.stdout.write(v.code_digest())"
        own = {**os.environ, "PYTHONPATH": str(tmp_path)}
        asked = [sys.executable, "-c", code]
        done = subprocess.run(asked, env=own, cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode()

    before = digest()
    assert before == code_digest.code_digest()
    for name in (
        "pi0bench/report/markdown_table.py",
        "pi0bench/train/training_loop.py",
        "envs/devices/thor-pi0.toml",
        "pyproject.toml",
    ):
        (tmp_path / name).write_text("# changed")
    assert digest() == before
    seen = {before}
    for name in (
        "pi0bench/envs/controller.py",
        "pi0bench/random_streams.py",
        "envs/objects/cube.toml",
    ):
        assert (tmp_path / name).exists()
        (tmp_path / name).write_text((tmp_path / name).read_text() + "\n# changed")
        seen.add(digest())
    assert len(seen) == 4
