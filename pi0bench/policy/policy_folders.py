"""The folders of trained policies and eyes, found by the cards in them; nothing is loaded."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from pi0bench.content.folders import PACKAGE, folders_of
from pi0bench.errors import UsageError

CARD, EYES_CARD, WEIGHTS = "policy.toml", "eyes.toml", "model.safetensors"


def weights_name(number: int) -> str:
    """The file of a policy's training of that number (see `pi0bench.training_names`)."""
    stem, _, kind = WEIGHTS.rpartition(".")
    return f"{stem}-{number}.{kind}" if number else WEIGHTS


def folders(card: str = CARD) -> dict[str, Path]:
    """Every folder with such a card, by its name.

    `pi0/robosuite` is what `pi0` is in another world (see `pi0bench.policy.registry.load`).

    Raises:
        UsageError: two have the same name.
    """
    found: dict[str, Path] = {}
    for root in folders_of("policies"):
        for path in sorted([*root.glob(f"*/{card}"), *root.glob(f"*/*/{card}")]):
            name = path.parent.relative_to(root).as_posix()
            if name in found:
                raise UsageError(f"{path}: the name is taken by {found[name]}; rename the folder")
            found[name] = path.parent
    return found


def name_of(home: Path) -> str:
    """The name of a folder, as `folders` says it; of one elsewhere, its last part."""
    within = [root for root in folders_of("policies") if home.is_relative_to(root)]
    return home.relative_to(within[0]).as_posix() if within else home.name


def trainable(home: Path) -> Path:
    """The folder, into which weights may be written.

    Raises:
        UsageError: it belongs to an installed package, whose weights are those of its release.
    """
    installed = [PACKAGE, *(Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib"))]
    if any(home.is_relative_to(place) for place in installed):
        raise UsageError(
            f"{home}: is installed, and training never writes there; copy its card to "
            f"DIR/policies/{home.name}_again/ and train that with --content DIR"
        )
    return home
