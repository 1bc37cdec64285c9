"""The layout of LeRobot's policies, before its version 0.4 and since."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.numpy import load_file

from pi0bench.errors import UsageError, unknown
from pi0bench.pi0.checkpoint import Checkpoint, Told, read_json, statistic
from pi0bench.pi0.checkpoint_file import CheckpointFile
from pi0bench.pi0.feature_transforms import Normalisation, Transforms

CONFIG = "config.json"
_MODES = {"MEAN_STD": "z_score", "QUANTILES": "quantile", "IDENTITY": "identity"}
_TYPES = ("pi0", "pi05")
_PICTURES = "observation.images."
_EPS = 1e-8


def lerobot_checkpoint(
    folder: Path, file: CheckpointFile, config: Mapping[str, Any], told: Told
) -> Checkpoint:
    """What is in a folder; of what is told, `delta` alone counts.

    Raises:
        UsageError: it is no π0 of LeRobot's, or not whole.
    """
    path = folder / CONFIG
    if config["type"] not in _TYPES:
        raise UsageError(f"{path}: {unknown('type', str(config['type']), _TYPES)}")
    if config.get("use_relative_actions") and not told.delta:
        raise UsageError(
            f"{path}: its actions are relative; say which ones, as `delta` in the mapping's "
            "[checkpoint]"
        )
    try:
        variant = file.variant(int(config["chunk_size"]))
        named = [name for name in config["input_features"] if name.startswith(_PICTURES)]
        modes = config["normalization_mapping"]
        ins, outs = _old_statistics(file) if file.statistics else _new_statistics(folder)
        state = _of_lerobot(modes["STATE"], ins, "observation.state")
        actions = _of_lerobot(modes["ACTION"], outs, "action")
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{folder}: no LeRobot policy: it lacks {error}") from None
    transforms = Transforms(state, actions, tuple(told.delta), variant.action_dim)
    cameras = tuple(name.removeprefix(_PICTURES) for name in named)
    return Checkpoint("LeRobot", file, variant, cameras, transforms, variant.adaptive)


def _old_statistics(file: CheckpointFile) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Those of inputs and outputs, which were kept beside the weights."""
    ins, outs = (
        {
            name.removeprefix(f"{of}.buffer_").replace("observation_", "observation."): file.tensor(
                name
            )
            for name in file.statistics
            if name.startswith(of)
        }
        for of in ("normalize_inputs", "unnormalize_outputs")
    )
    return ins, outs


def _new_statistics(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Those of inputs and outputs, which processors have files of their own for."""
    return (
        _statistics(folder, "policy_preprocessor.json", "normalizer_processor"),
        _statistics(folder, "policy_postprocessor.json", "unnormalizer_processor"),
    )


def _statistics(folder: Path, name: str, step: str) -> Mapping[str, Any]:
    """The tensors of a processor's step that normalises, by FEATURE.STATISTIC."""
    for one in read_json(folder / name)["steps"]:
        if one.get("registry_name") == step:
            path = folder / str(one["state_file"])
            try:
                return load_file(path)
            except (SafetensorError, OSError) as error:
                raise UsageError(f"{path}: no intact safetensors file: {error}") from None
    raise UsageError(f"{folder / name}: no step {step}")


def _of_lerobot(mode: str, stats: Mapping[str, Any], feature: str) -> Normalisation:
    if mode not in _MODES:
        raise UsageError(unknown("normalisation", mode, _MODES))
    ends = ("mean", "std") if mode != "QUANTILES" else ("q01", "q99")
    low, high = (statistic(stats[f"{feature}.{end}"]) for end in ends)
    return Normalisation(_MODES[mode], low, high, _EPS, 0.0)
