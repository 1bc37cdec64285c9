"""What is installed by `make setup` is what gives the published bits."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pi0bench.machine import package_versions


def test_this_environment_gives_the_published_bits() -> None:
    assert package_versions.outside() == []


def test_constraints_are_exact_and_allowed(checkout: Path) -> None:
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    allowed = {r.name: r.specifier for r in map(Requirement, project["dependencies"])}
    for wanted in package_versions.constraints():
        [exact] = wanted.specifier
        assert exact.operator == "=="
        assert wanted.name not in allowed or allowed[wanted.name].contains(exact.version)


@pytest.mark.parametrize(
    ("there", "says"), [("9.9", "numpy 9.9"), (package_versions.NONE, "numpy none")]
)
def test_other_versions_are_told(monkeypatch: pytest.MonkeyPatch, there: str, says: str) -> None:
    installed = package_versions.installed()
    monkeypatch.setattr(package_versions, "installed", lambda: {**installed, "numpy": there})
    [line] = package_versions.outside()
    assert line == f"{says} is not {installed['numpy']}"
