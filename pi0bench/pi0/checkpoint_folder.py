"""Folders of published checkpoints: which layout it is."""

from __future__ import annotations

from pathlib import Path

from pi0bench.pi0.checkpoint import WEIGHTS, Checkpoint, Told, read_json
from pi0bench.pi0.checkpoint_file import CheckpointFile
from pi0bench.pi0.lerobot_layout import CONFIG, lerobot_checkpoint
from pi0bench.pi0.openpi_layout import openpi_checkpoint


def opened(folder: Path, told: Told) -> Checkpoint:
    """What is in a folder.

    Raises:
        UsageError: it is no checkpoint of either layout, or not whole.
    """
    file = CheckpointFile.of(folder / WEIGHTS)
    config = read_json(folder / CONFIG) if (folder / CONFIG).is_file() else {}
    if "type" in config:
        return lerobot_checkpoint(folder, file, config, told)
    return openpi_checkpoint(folder, file, told)
