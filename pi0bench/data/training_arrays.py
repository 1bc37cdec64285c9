"""Training data as files of arrays: labelled scenes for eyes, chunks for policies. No simulator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pi0bench.data.array_files import joined, read
from pi0bench.errors import UsageError
from pi0bench.policy.instruction_tokenizer import InstructionTokenizer, split
from pi0bench.policy.normalisation import NormStats

T = TypeVar("T")

Batch = dict[str, torch.Tensor]
"""Items to learn from by what they are of, each tensor with a row an item."""


HELD_OUT_EVERY = 20
"""Of so many demonstrations of a task one is not learned from."""


class Scenes:
    """Files of scenes, joined (see `pi0bench.data.labelled_scenes`)."""

    def __init__(self, paths: Sequence[Path]) -> None:
        parts, abouts = zip(*map(read, paths), strict=True)
        self.about, self.arrays = abouts[0], joined(parts)

    def __len__(self) -> int:
        return len(self.arrays["proprio"])

    @property
    def groups(self) -> list[NDArray[np.int64]]:
        """One, of all scenes."""
        return [np.arange(len(self))]

    def gather(self, indices: np.ndarray) -> Batch:
        """The scenes at `indices` as tensors (see `pi0bench.data.labelled_scenes.example`)."""
        return {key: torch.from_numpy(array[indices]) for key, array in self.arrays.items()}

    def first(self, count: int) -> Scenes:
        """The first scenes; a negative count leaves so many out."""
        some = copy(self)
        some.arrays = {key: array[:count] for key, array in self.arrays.items()}
        return some


class Chunks:
    """What was seen, felt, asked and done: a file of features or of points.

    See `pi0bench.data.keypoint_features` and `pi0bench.data.point_clouds`.

    Args:
        path: the file.
        text_length: words of an instruction.
        tasks: whose windows these are; all that the file has when empty.

    Raises:
        UsageError: there is no such file, or it lacks a task.
    """

    def __init__(self, path: Path, text_length: int, tasks: Collection[str] = ()) -> None:
        if not path.exists():
            raise UsageError(f"{path}: no such file; pi0bench train and a policy's name makes it")
        self.arrays, self.about = read(path)
        if lacking := sorted(set(tasks) - set(self.about["tasks"])):
            raise UsageError(f"{path}: has nothing of {', '.join(lacking)}")
        self.tasks = tuple(sorted(tasks or self.about["tasks"]))
        self._keep(np.isin(self._task_of_episodes[self.arrays["episode"]], self.tasks))
        sentences = self.about["sentences"]
        self.vocabulary = sorted({word for text in sentences for word in split(text)})
        tokenizer = InstructionTokenizer(self.vocabulary)
        self.text_length = text_length
        tokens, mask = tokenizer.encode(sentences, text_length)
        self._prompts: Batch = {"prompt_tokens": tokens, "prompt_mask": mask}
        self._more: Batch = {}
        self._made: dict[str, Any] = {}

    @cached_property
    def norm_stats(self) -> NormStats:
        """How the actions that count become network numbers."""
        return NormStats.of(self.arrays["actions"][self.arrays["valid"]])

    @property
    def groups(self) -> list[NDArray[np.int64]]:
        """The numbers of each task's windows that are learned from."""
        task = np.where(self._held_out, "", self._task_of_episodes[self.arrays["episode"]])
        return [np.flatnonzero(task == name) for name in self.tasks]

    @property
    def held_out(self) -> NDArray[np.int64]:
        """The numbers of the windows of every twentieth demonstration of a task."""
        return np.flatnonzero(self._held_out)

    @property
    def _held_out(self) -> NDArray[np.bool_]:
        number = np.array([row["episode"] for row in self.about["episodes"]])
        return number[self.arrays["episode"]] % HELD_OUT_EVERY == HELD_OUT_EVERY - 1

    @property
    def _task_of_episodes(self) -> NDArray[np.str_]:
        return np.array([row["task"] for row in self.about["episodes"]])

    def _keep(self, chosen: NDArray[np.bool_]) -> None:
        if not chosen.all():
            of_windows = self.arrays.keys() - {"rgb"}
            self.arrays = {k: x[chosen] if k in of_windows else x for k, x in self.arrays.items()}

    def __len__(self) -> int:
        return len(self.arrays["proprio"])

    def once(self, key: str, make: Callable[[], T]) -> T:
        """What `make` returns, made once for these windows."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def adding(self, more: Batch) -> Chunks:
        """The same windows with something more of each, (N, …), which is gathered too."""
        same = copy(self)
        same._more = {**self._more, **more}
        return same

    def placed(self, device: str) -> Batch:
        """All windows on a device."""
        whole = self.gather(np.arange(len(self)))
        return {name: x.to(device) for name, x in whole.items()}

    def modes(self) -> dict[str, dict[str, int]]:
        """How often the demonstrations of each task that has modes took each of them."""
        taken: dict[str, Counter[str]] = {}
        for row in self.about["episodes"]:
            if row["mode"] and row["task"] in self.tasks:
                taken.setdefault(row["task"], Counter())[row["mode"]] += 1
        return {task: dict(sorted(counts.items())) for task, counts in sorted(taken.items())}

    def gather(self, indices: np.ndarray) -> Batch:
        """Proprio (B, 13), actions (B, H, 7), valid (B, H), prompt_tokens and prompt_mask.

        And features (B, S, 10) or points (B, N, 6); a teacher's pairs also have noise, (B, H, 7).
        """
        of_windows = self.arrays.keys() - {"rgb", "episode"}
        rows = {key: self.arrays[key][indices] for key in of_windows}
        if "features" in rows:
            rows["features"] = rows["features"].astype(np.float32)
        if "xyz" in rows:
            episodes = self.arrays["episode"][indices]
            colours = self.arrays["rgb"][episodes].astype(np.float32) / 255
            rows["points"] = np.concatenate([rows.pop("xyz").astype(np.float32), colours], axis=2)
        batch = {key: torch.from_numpy(array) for key, array in rows.items()}
        said = batch.pop("said")
        more = {name: x[torch.from_numpy(indices)] for name, x in self._more.items()}
        return {**batch, **more, **{name: x[said] for name, x in self._prompts.items()}}
