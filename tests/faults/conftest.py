"""The fixtures of the rooms whose faults are tested here."""

from tests.envs.conftest import engine, make_env
from tests.evaluate.conftest import cells_of, console, looking, own_task, play, scripted
from tests.results.conftest import make_cell, make_record, make_timing

__all__ = [
    "cells_of",
    "console",
    "engine",
    "looking",
    "make_cell",
    "make_env",
    "make_record",
    "make_timing",
    "own_task",
    "play",
    "scripted",
]
