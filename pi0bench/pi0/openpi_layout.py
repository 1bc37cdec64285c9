"""The layout of openpi's PyTorch checkpoints, which leaves much to be told."""

from __future__ import annotations

from pathlib import Path

from pi0bench.errors import UsageError
from pi0bench.pi0.checkpoint import CAMERAS, Checkpoint, Told, read_json, statistic
from pi0bench.pi0.checkpoint_file import CheckpointFile
from pi0bench.pi0.feature_transforms import Normalisation, Transforms


def openpi_checkpoint(folder: Path, file: CheckpointFile, told: Told) -> Checkpoint:
    """What is in a folder, and what is told of it.

    Raises:
        UsageError: it is not whole, or there is a choice.
    """
    variant = file.variant(told.action_horizon)
    found = sorted((folder / "assets").glob("**/norm_stats.json"))
    chosen = [path for path in found if not told.asset or path.parent.name == told.asset]
    if len(chosen) != 1:
        names = ", ".join(path.parent.name for path in found) or "none"
        raise UsageError(
            f"{folder / 'assets'}: statistics of {names}; one is needed: name it as "
            "`asset` in the mapping's [checkpoint]"
        )
    stats = read_json(chosen[0]).get("norm_stats", {})
    low, high = ("q01", "q99") if told.normalisation == "quantile" else ("mean", "std")
    try:
        state, actions = (
            Normalisation(told.normalisation, statistic(rows[low]), statistic(rows[high]))
            for rows in (stats["state"], stats["actions"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{chosen[0]}: no statistics of state and actions: {error!r}") from None
    transforms = Transforms(state, actions, tuple(told.delta), variant.action_dim)
    words = variant.adaptive and told.state_in_words
    return Checkpoint("openpi", file, variant, CAMERAS, transforms, words)
