"""A tiny checkpoint with random weights in either layout, its words and its mapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pi0bench.pi0.random_checkpoint import write
from tests.pi0.oracle import TINY

SMALL = replace(TINY, vision=replace(TINY.vision, heads=16), vocab_size=300, action_dim=32)
MAPPING = """
summary = "tiny"
image_side = 28
execute = 8
[observation]
base_0_rgb = ["front"]
left_wrist_0_rgb = ["wrist"]
state = ["proprio"]
[action]
kind = "pi0bench"
[checkpoint]
action_horizon = 10
"""


@pytest.fixture(params=["openpi", "LeRobot"])
def layout(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def checkpoint(tmp_path: Path, layout: str) -> Path:
    """A folder of the layout."""
    return write(tmp_path / layout, SMALL, layout, torch.float32)
