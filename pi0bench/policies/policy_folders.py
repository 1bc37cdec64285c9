"""The folders of trained policies and eyes, found by the cards in them; nothing is loaded."""

from __future__ import annotations

from pathlib import Path

from pi0bench.content.folders import folder

CARD, EYES_CARD, WEIGHTS = "policy.toml", "eyes.toml", "model.safetensors"


def folders(card: str = CARD) -> dict[str, Path]:
    """Every folder with such a card, by its name.

    `pi0/robosuite` is what `pi0` is in another world (see `pi0bench.policies.registry.load`).
    """
    root = folder("policies")
    found = [*root.glob(f"*/{card}"), *root.glob(f"*/*/{card}")]
    return {path.parent.relative_to(root).as_posix(): path.parent for path in sorted(found)}


def name_of(home: Path) -> str:
    """The name of a folder, as `folders` says it; of one elsewhere, its last part."""
    root = folder("policies")
    return home.relative_to(root).as_posix() if home.is_relative_to(root) else home.name
