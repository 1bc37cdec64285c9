"""What training learns from: made when it is missing, in files named by what they are made of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pi0bench.data.progress import bar
from pi0bench.data.record_demonstrations import demonstrations, tasks
from pi0bench.policies import card as cards
from pi0bench.policies.policy_folders import EYES_CARD, WEIGHTS, folders

Card = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """Where and how it is made.

    Attributes:
        data: folder of all of it.
        workers: processes.
        console: told how far it has come.
        device: of a teacher that answers.
        given: a file of features that policies learn from, in place of their recording.
    """

    data: Path
    workers: int
    console: Console
    device: str = "cpu"
    given: Path | None = None

    def scenes(self, card: Card) -> list[Path]:
        """The labelled scenes of eyes."""
        recipe = card["training"]
        source = self._demonstrations(recipe)
        from pi0bench.data import labelled_scenes as scenes

        with bar(self.console, "scenes") as show:
            return scenes.collect(
                tasks(recipe["suites"])[1],
                source,
                recipe["scenes"],
                self.data / "scenes",
                side=card["eyes"]["side"],
                seed=recipe["seed"],
                workers=self.workers,
                progress=show,
            )

    def learned_from(self, name: str) -> Path:
        """What a policy learns from: points, or features, or a teacher's answers to them."""
        card = cards.read(folders()[name])
        if "points" in card:
            return self._points(card)
        features, teacher = self.given or self._features(card), teacher_of(name)
        return self._pairs(teacher, features, card) if teacher else features

    def _demonstrations(self, recipe: Card) -> Path:
        suites, count, seed = recipe["suites"], recipe["demonstrations"], recipe["seed"]
        made_of = hashlib.sha256(str([(t.id, t.hash) for t in tasks(suites)[1]]).encode())
        name = f"demos-{'+'.join(suites)}-{count}-{seed}-{made_of.hexdigest()[:12]}.npz"
        out = self.data / name
        return demonstrations(suites, count, out, seed, self.workers, self.console)

    def _features(self, card: Card) -> Path:
        """Demonstrations through a card's eyes."""
        source, eyes = self._demonstrations(card["training"]), card["eyes"]["name"]
        seen = cards.digest(folders(EYES_CARD)[eyes] / WEIGHTS)
        out = self.data / f"features-{source.stem.removeprefix('demos-')}-{seen}.npz"
        if not out.exists():
            from pi0bench.data import keypoint_features as features

            with bar(self.console, "features") as show:
                features.encode(source, eyes, out, workers=self.workers, progress=show)
        return out

    def _points(self, card: Card) -> Path:
        """The clouds of a card's demonstrations."""
        source, count = self._demonstrations(card["training"]), int(card["points"]["count"])
        out = self.data / f"points-{source.stem.removeprefix('demos-')}-{count}.npz"
        if not out.exists():
            from pi0bench.data import point_clouds

            with bar(self.console, "points") as show:
                point_clouds.encode(source, count, out, workers=self.workers, progress=show)
        return out

    def _pairs(self, teacher: str, features: Path, card: Card) -> Path:
        """A teacher's answers to the features."""
        weights = cards.digest(folders()[teacher] / WEIGHTS)
        known = f"{weights}-{features.stem.removeprefix('features-')}"
        out = self.data / f"pairs-{teacher.replace('/', '-')}-{known}.npz"
        if not out.exists():
            from pi0bench.data import reflow_pairs

            how: dict[str, Any] = {"seed": card["training"]["seed"], "device": self.device}
            with bar(self.console, f"pairs of {teacher}") as show:
                reflow_pairs.pairs(features, teacher, out, **how, progress=show)
        return out


def teacher_of(name: str) -> str | None:
    """The policy whose answers a policy learns from, if it has one."""
    return cards.read(folders()[name]).get("head", {}).get("teacher")
