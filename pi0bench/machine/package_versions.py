"""The versions that numbers depend on: those installed, and those that give the published bits."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from packaging.requirements import Requirement

from pi0bench.content.folders import root

NONE = "none"


@cache
def constraints() -> tuple[Requirement, ...]:
    """What constraints.txt asks for."""
    lines = (root() / "constraints.txt").read_text("utf-8").splitlines()
    return tuple(Requirement(line) for line in lines if line and not line.startswith("#"))


def installed() -> dict[str, str]:
    """The installed version of every package that constraints.txt names."""
    return {wanted.name: _version(wanted.name) for wanted in constraints()}


def outside() -> list[str]:
    """Which installed versions are not those that give the published bits."""
    there = installed()
    return [
        f"{wanted.name} {there[wanted.name]} is not {str(wanted.specifier).removeprefix('==')}"
        for wanted in constraints()
        if not wanted.specifier.contains(there[wanted.name].replace(NONE, "0"), prereleases=True)
    ]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return NONE
