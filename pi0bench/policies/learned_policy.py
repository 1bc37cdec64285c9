"""A trained policy: eyes or points, then network, for several robots at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from pi0bench.errors import UsageError
from pi0bench.policies.card import CARD, EYES_CARD, WEIGHTS, digest, load_eyes, load_network, read
from pi0bench.policies.heads import files_of_head
from pi0bench.policies.policy import Observation, Plan, Traits
from pi0bench.policies.policy_folders import folders, name_of
from pi0bench.policy_role import Role, role

_ROWS = 8
_MAX_TEXT = 300


class LearnedPolicy:
    """The policy of a folder (see `pi0bench.policies.policy.Policy`).

    Raises:
        UsageError: its card or weights are wrong.
    """

    def __init__(self, folder: Path) -> None:
        card = read(folder)
        self.name = name_of(folder)
        eyes = folders(EYES_CARD)[card["eyes"]["name"]] if "eyes" in card else None
        self._eyes = None if eyes is None else load_eyes(card["eyes"]["name"])
        self._blank = eyes is not None and bool(card["eyes"].get("blank", False))
        self._network, self._words, about = load_network(card)
        self._text_length = int(card["text"]["length"])
        self._shape = int(card["chunk"]["length"]), 7
        files = [folder / CARD, Path(card["weights"]), *files_of_head(card)]
        if eyes is not None:
            files += [eyes / EYES_CARD, eyes / WEIGHTS]
        self.traits = Traits(
            weights=digest(*files),
            image_side=0 if eyes is None else int(read(eyes, EYES_CARD)["eyes"]["side"]),
            points=int(card["points"]["count"]) if "points" in card else 0,
            execute=int(card["chunk"]["execute"]),
            steps=self._network.steps,
            solvers=self._network.solvers,
            rows=_ROWS,
            modes=about["modes"],
            role=role(card.get("role", Role.COMPETES), f"{folder / CARD}: role"),
        )

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan for each observation, (B, at most H, 7); see `Policy.plan`."""

        def draw() -> torch.Tensor:
            rows = [rng.standard_normal(self._shape, np.float32) for rng in noise]
            return torch.from_numpy(np.stack(rows))

        clock = [perf_counter()]
        with torch.inference_mode():
            proprio = torch.from_numpy(np.stack([seen.proprio for seen in observations]))
            seen = self._look(observations, proprio)
            clock.append(perf_counter())
            sentences = [seen.instruction for seen in observations]
            ids, valid = self._words.encode(sentences, self._text_length)
            encoded = self._network.encode({**seen, "proprio": proprio, "ids": ids, "words": valid})
            clock.append(perf_counter())
            made = self._network.sample(encoded, draw, steps, solver)
        clock.append(perf_counter())
        took = [1000 * float(span) for span in np.diff(clock)]
        return Plan(
            made.actions.double().numpy(),
            np.asarray(made.evaluations),
            dict(zip(("eyes", "prefix", "sampler"), took, strict=True)),
        )

    def _look(
        self, observations: Sequence[Observation], proprio: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """What the eyes say, `features` (B, S, 11); without eyes the `points`, (B, N, 6)."""
        if self._eyes is None:
            clouds = [seen.points for seen in observations if seen.points is not None]
            return {"points": torch.from_numpy(np.stack(clouds))}
        images = {
            name: torch.from_numpy(np.stack([seen.images[name] for seen in observations]))
            for name in self._eyes.cameras
        }
        if self._blank:
            images = {name: torch.full_like(x, 127) for name, x in images.items()}
        return {"features": self._eyes(images, proprio).features()}


def load_policy(folder: Path) -> LearnedPolicy:
    """The trained policy of a folder.

    Raises:
        UsageError: its card or weights are wrong.
    """
    try:
        return LearnedPolicy(folder)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        # The card and what the weights' training said of itself are read without a schema.
        said = f"{type(error).__name__}: {error}"[:_MAX_TEXT]
        raise UsageError(
            f"{folder}: its card and its weights do not go together: {said}"
        ) from error
