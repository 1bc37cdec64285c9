"""The version says which commit; the digest of code changes with what measures alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from packaging.version import Version

from pi0bench import __version__, version
from pi0bench.version import UNKNOWN


def told(root: Path, ask: str = "version()", **variables: str) -> str:
    """What a copy of the module says in a process of its own."""
    code = "import runpy, sys; sys.stdout.write(eval(sys.argv[2], runpy.run_path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(root / "pi0bench" / "version.py"), ask]
    own = {**os.environ, **variables}
    return subprocess.run(command, env=own, capture_output=True, text=True, check=True).stdout


def git(root: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def sources(tmp_path: Path, checkout: Path) -> Path:
    """Sources without history."""
    root = tmp_path / "sources"
    (root / "pi0bench").mkdir(parents=True)
    shutil.copy(checkout / "pi0bench" / "version.py", root / "pi0bench")
    shutil.copy(checkout / "pyproject.toml", root)
    return root


def test_the_version_is_the_tag_and_what_came_since(sources: Path) -> None:
    assert told(sources) == UNKNOWN
    git(sources, "init", "-q")
    assert told(sources) == UNKNOWN
    git(sources, "add", ".")
    git(sources, "commit", "-qm", "one")
    commit = told(sources)
    assert commit.startswith("0.1.dev1+g")
    git(sources, "tag", "not-a-release")
    assert told(sources) == commit
    git(sources, "tag", "v1.2.3")
    assert told(sources) == "1.2.3"
    (sources / "pyproject.toml").write_text("# changed")
    dirty = told(sources)
    assert dirty.startswith("1.2.4.dev0+g")
    assert dirty.endswith(".dirty")
    git(sources, "commit", "-qam", "two")
    assert told(sources).startswith("1.2.4.dev1+g")
    assert told(sources, GIT_DIR="/nowhere", GIT_WORK_TREE="/") == told(sources)
    assert told(sources, PATH="/nowhere") == UNKNOWN
    for found in (commit, dirty, UNKNOWN):
        assert str(Version(found)) == found


def test_a_source_distribution_keeps_the_version(
    sources: Path, tmp_path: Path, checkout: Path
) -> None:
    for name in ("README.md", "LICENSE"):
        shutil.copy(checkout / name, sources)
    git(sources, "init", "-q")
    git(sources, "add", ".")
    git(sources, "commit", "-qm", "one")
    git(sources, "tag", "v1.2.3")
    [built] = SdistBuilder(str(sources)).build(directory=str(tmp_path), versions=["standard"])
    assert Path(built).name == "pi0bench-1.2.3.tar.gz"
    shutil.unpack_archive(built, tmp_path / "unpacked")
    root = tmp_path / "unpacked" / "pi0bench-1.2.3"
    assert told(root) == "1.2.3"
    again = SdistBuilder(str(root)).build(directory=str(tmp_path / "again"), versions=["standard"])
    assert Path(next(iter(again))).name == "pi0bench-1.2.3.tar.gz"


def test_an_installed_package_asks_its_metadata(tmp_path: Path, checkout: Path) -> None:
    (tmp_path / "pi0bench").mkdir()
    shutil.copy(checkout / "pi0bench" / "version.py", tmp_path / "pi0bench")
    (tmp_path / "pi0bench-4.5.6.dist-info").mkdir()
    (tmp_path / "pi0bench-4.5.6.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: pi0bench\nVersion: 4.5.6\n"
    )
    assert told(tmp_path, PYTHONPATH=str(tmp_path)) == "4.5.6"


def test_the_package_says_its_version() -> None:
    assert __version__ == version.version()
    assert Version(__version__)
