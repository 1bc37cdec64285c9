"""The wheel holds what the checkout holds, and stays small."""

from __future__ import annotations

import subprocess
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

CONTENT = ("envs", "tasks", "policies", "results")
MEBIBYTE = 1024 * 1024
WHEEL_LIMIT = 60 * MEBIBYTE
WEIGHTS_LIMIT, ALL_WEIGHTS_LIMIT = 5 * MEBIBYTE, 60 * MEBIBYTE


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    [built] = WheelBuilder(str(checkout)).build(directory=str(out), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def listed_by_git(checkout: Path, *options: str) -> set[str]:
    """The paths that git lists below the content folders and the package."""
    if not (checkout / ".git").exists():
        pytest.skip("not a git checkout")
    # A checkout that another user owns (a container's mount) is still worth listing.
    command = ["git", "-c", f"safe.directory={checkout}", "ls-files", "-z", *options, "--"]
    done = subprocess.run(
        [*command, *CONTENT, "constraints.txt", "pi0bench"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split("\0")) - {""}


def in_wheel(path: str) -> str:
    return path if path.startswith("pi0bench/") else f"pi0bench/_content/{path}"


def test_every_tracked_file_is_in_the_wheel_but_withdrawn_results(
    checkout: Path, names: set[str]
) -> None:
    withdrawn = "results/0.1/"
    tracked = {path for path in listed_by_git(checkout) if not path.startswith(withdrawn)}
    left_out = {path for path in tracked if in_wheel(path) not in names}
    assert not left_out, f"tracked, but not in the wheel: {sorted(left_out)}"


def test_the_wheel_holds_nothing_else(checkout: Path, names: set[str]) -> None:
    listed = listed_by_git(checkout, "--cached", "--others", "--exclude-standard")
    extra = {name for name in names if name.startswith("pi0bench/")} - set(map(in_wheel, listed))
    assert not extra, f"in the wheel, but ignored by git: {sorted(extra)}"


def test_content_is_found_in_the_wheel_only_under_the_package(names: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in names} == {"pi0bench"}


def test_the_wheel_is_typed_licensed_and_has_its_command(wheel: Path, names: set[str]) -> None:
    [info] = {name.split("/")[0] for name in names if ".dist-info/" in name}
    assert {"pi0bench/py.typed", f"{info}/licenses/LICENSE"} <= names
    scripts = ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        scripts.read_string(archive.read(f"{info}/entry_points.txt").decode())
    assert dict(scripts["console_scripts"]) == {"pi0bench": "pi0bench.cli:main"}
    assert "pi0bench/cli.py" in names or "pi0bench/cli/__init__.py" in names


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= WHEEL_LIMIT


def test_weights_are_small(checkout: Path) -> None:
    files = list((checkout / "policies").rglob("*.safetensors"))
    assert {file: size for file in files if (size := file.stat().st_size) > WEIGHTS_LIMIT} == {}
    assert sum(file.stat().st_size for file in files) < ALL_WEIGHTS_LIMIT
