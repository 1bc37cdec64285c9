"""The fixtures of the rooms whose faults are tested here."""

from tests.evaluate.conftest import cells_of, console, looking, own_task, play, scripted

__all__ = ["cells_of", "console", "looking", "own_task", "play", "scripted"]
