"""What training learns from: made when it is missing, in files named by what they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from pi0bench.data import parallel_parts
from pi0bench.data.demonstration_files import demonstrations, tasks, wanted
from pi0bench.data.progress_bar import bar
from pi0bench.envs.controller import DEFAULT_HZ
from pi0bench.policy.card import read
from pi0bench.policy.card_tables import (
    KeypointCard,
    KeypointTrainingTable,
    PolicyCard,
    TrainingTable,
)
from pi0bench.policy.policy_folders import EYES_CARD, WEIGHTS, folders
from pi0bench.policy.weights_file import digest

Make = Callable[..., Path]


@dataclass(frozen=True)
class TrainingFiles:
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

    def scenes(self, card: KeypointCard) -> list[Path]:
        """The labelled scenes of eyes."""
        from pi0bench.data import labelled_scenes

        recipe = card.training
        source = self._demonstrations(recipe)
        how = {"side": card.eyes.side, "seed": recipe.seed, "workers": self.workers}
        with bar(self.console, "scenes") as show:
            return labelled_scenes.collect(
                tasks(recipe.suites)[1],
                source,
                recipe.scenes,
                self.data / "scenes",
                **how,
                progress=show,
            )

    def learned_from(self, name: str) -> Path:
        """What a policy learns from: points, or features, or a teacher's answers to them."""
        card = read(folders()[name])
        if card.points is not None:
            return self._points(card, card.points.count)
        features, teacher = self.given or self._features(card), teacher_of(name)
        return self._pairs(teacher, features, card) if teacher else features

    def _demonstrations(
        self, recipe: TrainingTable | KeypointTrainingTable, control_hz: int = DEFAULT_HZ
    ) -> Path:
        suites, count, seed = recipe.suites, recipe.demonstrations, recipe.seed
        made_of = parallel_parts.digest(wanted(suites, count, seed, control_hz=control_hz))
        out = self.data / f"demos-{'+'.join(suites)}-{count}-{seed}-{made_of}.npz"
        hands = (self.workers, self.console)
        return demonstrations(suites, count, out, seed, *hands, control_hz=control_hz)

    def _features(self, card: PolicyCard) -> Path:
        """Demonstrations through a card's eyes."""
        from pi0bench.data.keypoint_features import encode

        assert card.eyes is not None
        eyes = card.eyes.name
        known = digest(folders(EYES_CARD)[eyes] / WEIGHTS)
        return self._encoded("features", encode, card, eyes, known)

    def _points(self, card: PolicyCard, count: int) -> Path:
        """The clouds of a card's demonstrations."""
        from pi0bench.data.point_clouds import encode

        return self._encoded("points", encode, card, count, count)

    def _encoded(
        self, kind: str, make: Make, card: PolicyCard, how: str | int, known: str | int
    ) -> Path:
        """What is learned from, of the demonstrations of the suites that are learned from."""
        recipe = card.training
        source = self._demonstrations(recipe, card.chunk.control_hz)
        learned = recipe.learns or recipe.suites
        named = source.stem.removeprefix("demos-")
        out = self.data / f"{kind}-{named}-{'+'.join(learned)}-{known}.npz"
        of = [task.id for task in tasks(learned)[1]]
        return self._made(out, kind, make, source, how, out, of, workers=self.workers)

    def _pairs(self, teacher: str, features: Path, card: PolicyCard) -> Path:
        """A teacher's answers to the features."""
        from pi0bench.data.reflow_pairs import pairs

        weights = digest(folders()[teacher] / WEIGHTS)
        known = f"{weights}-{features.stem.removeprefix('features-')}"
        out = self.data / f"pairs-{teacher.replace('/', '-')}-{known}.npz"
        how = {"seed": card.training.seed, "device": self.device}
        return self._made(out, f"pairs of {teacher}", pairs, features, teacher, out, **how)

    def _made(self, out: Path, title: str, make: Make, *of: Any, **how: Any) -> Path:
        """The file, made when it is missing."""
        if not out.exists():
            with bar(self.console, title) as show:
                make(*of, **how, progress=show)
        return out


def teacher_of(name: str) -> str | None:
    """The policy whose answers a policy learns from, if it has one."""
    return read(folders()[name]).head.get("teacher")
