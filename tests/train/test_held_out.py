"""What is held out is not learned from, and tells who follows the words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pi0bench.data.array_files import write
from pi0bench.data.training_arrays import Chunks
from pi0bench.errors import UsageError
from pi0bench.policy.heads.head import Sampled
from pi0bench.policy.instruction_tokenizer import InstructionTokenizer
from pi0bench.policy.network import Network
from pi0bench.train.held_out import ACTION_ERROR, COLOURS, WORDS, held_out

LOOKS = ["blue cube", "bowl", "green cube", "red cube"]
SENTENCES = [
    "put a cube in the bowl",
    *(f"put the {colour} cube in the bowl" for colour in COLOURS),
]
DEMONSTRATIONS = {"cube_in_bowl": 40, "any_cube": 20}


def chunks(path: Path, tasks: tuple[str, ...] = ()) -> Chunks:
    """Two windows a demonstration; in some there is no green cube."""
    rng, rows = np.random.default_rng(0), []
    for task, count in DEMONSTRATIONS.items():
        rows += [{"task": task, "episode": number, "mode": ""} for number in range(count)]
    count = 2 * len(rows)
    features = rng.normal(0, 0.1, (count, len(LOOKS), 10)).astype(np.float32)
    features[..., 0] = 0.9
    features[38, LOOKS.index("green cube"), 0] = 0.1
    proprio = np.zeros((count, 13), np.float32)
    said = [0 if row["task"] == "any_cube" else 1 for row in rows]
    arrays: dict[str, Any] = {
        "features": features,
        "proprio": proprio,
        "actions": rng.uniform(-1, 1, (count, 16, 7)).astype(np.float32),
        "valid": np.ones((count, 16), bool),
        "said": np.repeat(said, 2),
        "episode": np.repeat(np.arange(len(rows)), 2),
    }
    about = {"sentences": SENTENCES, "looks": LOOKS, "tasks": dict.fromkeys(DEMONSTRATIONS, "0")}
    return Chunks(write(path, arrays, {**about, "episodes": rows}), 8, tasks)


class Heads(nn.Module):
    """Heads for a cube: the named one, or always the red one."""

    solvers, steps = (), 0

    def __init__(self, data: Chunks, listens: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        words = InstructionTokenizer(data.vocabulary)
        self.colours = {words.numbers(colour)[0]: colour for colour in COLOURS}
        self.listens = listens

    def encode(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return batch

    def sample(self, seen: dict[str, Tensor], *_: Any) -> Sampled:
        plans = torch.zeros(len(seen["proprio"]), 16, 7)
        for plan, said, features in zip(
            plans, seen["prompt_tokens"].tolist(), seen["features"], strict=True
        ):
            named = [self.colours[word] for word in said if word in self.colours]
            colour = named[0] if named and self.listens else "red"
            plan[:, :2] = features[LOOKS.index(f"{colour} cube"), 1:3]
        return Sampled(plans)


def network(data: Chunks, listens: bool) -> Network:
    return cast("Network", Heads(data, listens))


def test_every_twentieth_demonstration_of_a_task_is_held_out(tmp_path: Path) -> None:
    data = chunks(tmp_path / "features.npz")
    numbers = [data.about["episodes"][n]["episode"] for n in data.arrays["episode"][data.held_out]]
    assert numbers == [19, 19, 39, 39, 19, 19]
    learned = np.concatenate(data.groups)
    assert sorted([*learned, *data.held_out]) == list(range(len(data)))


def test_words_tell_who_listens(tmp_path: Path) -> None:
    data = chunks(tmp_path / "features.npz")
    asked = held_out(data)
    assert len(asked.named) == 5, "two demonstrations name a cube; of one the green cube is missing"
    assert asked.measure(network(data, listens=True))[WORDS] == 1
    deaf = asked.measure(network(data, listens=False))
    assert deaf[WORDS] == pytest.approx(2 / 5)
    assert 0.3 < deaf[ACTION_ERROR] < 0.8


def test_of_a_recording_some_tasks_are_learned(tmp_path: Path) -> None:
    data = chunks(tmp_path / "features.npz", ("any_cube",))
    assert len(data) == 40
    assert [len(group) for group in data.groups] == [38]
    assert WORDS not in held_out(data).measure(network(data, listens=True))
    with pytest.raises(UsageError, match="has nothing of push_t"):
        chunks(tmp_path / "features.npz", ("push_t",))
