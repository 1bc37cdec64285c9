"""Weights files: only what fits its card gets in, and what version 0.1 published is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save
from torch import nn

from pi0bench.errors import UsageError
from pi0bench.policy import weights_file


def write(path: Path, tensors: dict[str, torch.Tensor], about: Any = None) -> Path:
    path.write_bytes(save(tensors, metadata={"about": json.dumps(about or {})}))
    return path


def fill(path: Path) -> nn.Linear:
    module = nn.Linear(2, 3)
    weights_file.fill(module, weights_file.read(path)[0], path)
    return module


def good() -> dict[str, torch.Tensor]:
    return {"weight": torch.arange(6.0).reshape(3, 2), "bias": torch.ones(3)}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    about = {"keypoints": ["bowl"], "actions": {"mean": [0], "std": [1], "q01": [-1], "q99": [1]}}
    path = weights_file.write(tmp_path / "w.safetensors", good(), about)
    assert torch.equal(fill(path).weight, good()["weight"])
    assert weights_file.read(path)[1] == about


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"weight": torch.zeros(2, 2)}, "weight has shape (2, 2), not (3, 2)"),
        ({"bias": torch.tensor([1.0, float("nan"), 0.0])}, "bias is not finite"),
        ({"extra": torch.zeros(1)}, "extra is not part of it"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Any, told: str) -> None:
    path = write(tmp_path / "w.safetensors", {**good(), **change})
    with pytest.raises(UsageError, match="does not fit its card") as error:
        fill(path)
    assert told in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors", {"weight": good()["weight"]})
    with pytest.raises(UsageError, match="bias is missing"):
        fill(path)


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"pi0bench train {tmp_path.name}"):
        weights_file.read(tmp_path / "model.safetensors")
