"""Cells, records and their kin, for tests that measure nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pi0bench.records.chunk_quality import Quality
from pi0bench.records.record import Cell, Record, Timing


def cell(episode: int = 0, **changes: object) -> Cell:
    fields: dict[str, object] = {
        "policy": "pi0",
        "weights": "ab12",
        "task": "stack",
        "task_hash": "cd34",
        "engine": "mujoco",
        "renderer": "gl",
        "variation": "nominal",
        "seed": 0,
        "episode": episode,
        "steps": 10,
        "solver": "euler",
    }
    return Cell(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


def record(of: Cell | None = None, status: str = "success", **changes: object) -> Record:
    success = status == "success"
    fields: dict[str, object] = {
        "cell": of or cell(),
        "status": status,
        "length": 120,
        "success_s": 4.5 if success else None,
        "progress": 1.0 if success else 0.5,
        "instruction": 'put the "red" cube | on the blue one',
        "replans": 15,
        "trunk_evaluations": 150,
    }
    return Record(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


def timing(of: Cell, replan_ms: float | None = 20.0) -> Timing:
    return Timing(of.key(), 3.25, replan_ms)


def quality(**changes: object) -> Quality:
    fields: dict[str, object] = {
        "policy": "pi0",
        "weights": "ab12",
        "task": "stack",
        "engine": "mujoco",
        "renderer": "gl",
        "variation": "nominal",
        "seed": 0,
        "steps": 10,
        "solver": "euler",
        "reference_steps": 100,
        "states": 20,
        "draws": 16,
        "rmse": 0.125,
        "energy_distance": 0.03125,
    }
    return Quality(**{**fields, **changes})  # pyright: ignore[reportArgumentType]


@pytest.fixture
def make_cell() -> Callable[..., Cell]:
    return cell


@pytest.fixture
def make_record() -> Callable[..., Record]:
    return record


@pytest.fixture
def make_timing() -> Callable[..., Timing]:
    return timing


@pytest.fixture
def make_quality() -> Callable[..., Quality]:
    return quality
