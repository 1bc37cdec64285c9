"""Folders of published checkpoints, openpi's and LeRobot's: which it is, and all that it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pi0bench.errors import UsageError, unknown
from pi0bench.pi0.checkpoint_file import CheckpointFile
from pi0bench.pi0.feature_transforms import Normalisation, Transforms
from pi0bench.pi0.variants import Variant

WEIGHTS = "model.safetensors"
CAMERAS = ("base_0_rgb", "left_wrist_0_rgb", "right_wrist_0_rgb")
_LEROBOT_MODES = {"MEAN_STD": "z_score", "QUANTILES": "quantile", "IDENTITY": "identity"}
_LEROBOT_TYPES = ("pi0", "pi05")
_PICTURES = "observation.images."
_LEROBOT_EPS = 1e-8


@dataclass(frozen=True)
class Told:
    """What openpi's layout does not say of a checkpoint, as the mapping's `[checkpoint]` does.

    Attributes:
        action_horizon: steps of a chunk.
        normalisation: "z_score", as of π0, or "quantile", as of π0.5.
        delta: which of the actions are differences to the state.
        state_in_words: whether π0.5 is told its state in words; pi05_libero is not.
        tokenizer: PaliGemma's tokenizer.model, from the mapping on.
        asset: the folder of assets/ whose statistics count, where there are several.
    """

    action_horizon: int = 50
    normalisation: str = "z_score"
    delta: Sequence[bool] = ()
    state_in_words: bool = True
    tokenizer: str = "tokenizer.model"
    asset: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """An opened folder, of whose weights nothing has been read yet.

    Attributes:
        layout: "openpi" or "LeRobot".
        file: its weights.
        variant: the model's sizes.
        cameras: names of its pictures, in their order.
        transforms: between a robot's numbers and its own.
        state_in_words: whether its prompts tell the state.
    """

    layout: str
    file: CheckpointFile
    variant: Variant
    cameras: tuple[str, ...]
    transforms: Transforms = field(repr=False)
    state_in_words: bool = False

    @property
    def summary(self) -> str:
        """One line: what was found."""
        of, actions = self.transforms, self.transforms.actions
        delta = sum(of.delta)
        deltas = f"{delta} of {len(actions.low)} actions from the state" if delta else "no deltas"
        return (
            f"{self.layout}'s layout, {self.variant.name}, "
            f"{self.variant.action_horizon} steps a chunk, "
            f"{len(of.state.low)} numbers of state and {len(actions.low)} of action by "
            f"{actions.mode}, {deltas}, cameras {', '.join(self.cameras)}"
        )


def opened(folder: Path, told: Told) -> Checkpoint:
    """What is in a folder.

    Raises:
        UsageError: it is no checkpoint of either layout, or not whole.
    """
    file = CheckpointFile.of(folder / WEIGHTS)
    config = _json(folder / "config.json") if (folder / "config.json").is_file() else {}
    if "type" in config:
        return _lerobot(folder, file, config, told)
    return _openpi(folder, file, told)


def _openpi(folder: Path, file: CheckpointFile, told: Told) -> Checkpoint:
    variant = file.variant(told.action_horizon)
    found = sorted((folder / "assets").glob("**/norm_stats.json"))
    chosen = [path for path in found if not told.asset or path.parent.name == told.asset]
    if len(chosen) != 1:
        names = ", ".join(path.parent.name for path in found) or "none"
        raise UsageError(
            f"{folder / 'assets'}: statistics of {names}; one is needed: name it as "
            "`asset` in the mapping's [checkpoint]"
        )
    stats = _json(chosen[0])
    ends = ("mean", "std") if told.normalisation != "quantile" else ("q01", "q99")
    try:
        state, actions = (
            Normalisation(told.normalisation, *(_row(stats["norm_stats"][of][x]) for x in ends))
            for of in ("state", "actions")
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{chosen[0]}: no statistics of state and actions: {error!r}") from None
    transforms = Transforms(state, actions, tuple(told.delta), variant.action_dim)
    words = variant.adaptive and told.state_in_words
    return Checkpoint("openpi", file, variant, CAMERAS, transforms, words)


def _lerobot(
    folder: Path, file: CheckpointFile, config: Mapping[str, Any], told: Told
) -> Checkpoint:
    path = folder / "config.json"
    if config["type"] not in _LEROBOT_TYPES:
        raise UsageError(f"{path}: {unknown('type', str(config['type']), _LEROBOT_TYPES)}")
    if config.get("use_relative_actions") and not told.delta:
        raise UsageError(
            f"{path}: its actions are relative; say which ones, as `delta` in the mapping's "
            "[checkpoint]"
        )
    try:
        variant = file.variant(int(config["chunk_size"]))
        named = [name for name in config["input_features"] if name.startswith(_PICTURES)]
        modes = config["normalization_mapping"]
        ins = _statistics(folder, "policy_preprocessor.json", "normalizer_processor")
        outs = _statistics(folder, "policy_postprocessor.json", "unnormalizer_processor")
        state = _of_lerobot(modes["STATE"], ins, "observation.state")
        actions = _of_lerobot(modes["ACTION"], outs, "action")
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder}: no LeRobot policy: it lacks {error}") from None
    transforms = Transforms(state, actions, tuple(told.delta), variant.action_dim)
    cameras = tuple(name.removeprefix(_PICTURES) for name in named)
    return Checkpoint("LeRobot", file, variant, cameras, transforms, variant.adaptive)


def _statistics(folder: Path, name: str, step: str) -> Mapping[str, Any]:
    """The tensors of a processor's step that normalises, by FEATURE.STATISTIC."""
    for one in _json(folder / name)["steps"]:
        if one.get("registry_name") == step:
            path = folder / str(one["state_file"])
            try:
                return load_file(path)
            except (SafetensorError, OSError) as error:
                raise UsageError(f"{path}: no intact safetensors file: {error}") from None
    raise UsageError(f"{folder / name}: no step {step}")


def _of_lerobot(mode: str, stats: Mapping[str, Any], feature: str) -> Normalisation:
    if mode not in _LEROBOT_MODES:
        raise UsageError(unknown("normalisation", mode, _LEROBOT_MODES))
    ends = ("mean", "std") if mode != "QUANTILES" else ("q01", "q99")
    low, high = (_row(stats[f"{feature}.{end}"]) for end in ends)
    return Normalisation(_LEROBOT_MODES[mode], low, high, _LEROBOT_EPS, 0.0)


def _row(numbers: Any) -> Any:
    """One-dimensional statistics, finite."""
    row = np.asarray(numbers, np.float64)
    if row.ndim != 1 or not np.isfinite(row).all():
        raise ValueError(f"finite numbers in a row would work, not {row.shape}")
    return row


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path}: an object would work")
    return found
