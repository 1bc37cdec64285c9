"""Trainings of one policy: NAME is the first, NAME@1 the second; they differ in the seed alone."""

from __future__ import annotations

_AT = "@"


def parted(name: str) -> tuple[str, int]:
    """A policy's name, and the number of the training that is meant, 0 for the first."""
    policy, at, number = name.rpartition(_AT)
    return (policy, int(number)) if policy and at and number.isdecimal() else (name, 0)


def training(policy: str, number: int) -> str:
    """The name of a training of a policy."""
    return f"{policy}{_AT}{number}" if number else policy
