"""A trained policy: eyes, then network, for several robots at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from pi0bench.content import folder as content
from pi0bench.policies.card import CARD, EYES_CARD, WEIGHTS, digest, load_eyes, load_network, read
from pi0bench.policies.policy import Observation, Plan, Traits

_ROWS = 8


class LearnedPolicy:
    """The policy of a folder (see `pi0bench.policies.policy.Policy`).

    Raises:
        UsageError: its card or weights are wrong.
    """

    def __init__(self, folder: Path) -> None:
        card = read(folder)
        self.name = folder.name
        self._eyes = load_eyes(card["eyes"]["name"])
        self._blank = bool(card["eyes"].get("blank", False))
        self._network, self._words, about = load_network(card)
        self._text_length = int(card["text"]["length"])
        self._shape = int(card["chunk"]["length"]), 7
        eyes = content("policies") / card["eyes"]["name"]
        files = folder / CARD, Path(card["weights"]), eyes / EYES_CARD, eyes / WEIGHTS
        self.traits = Traits(
            weights=digest(*files),
            image_side=int(read(eyes, EYES_CARD)["eyes"]["side"]),
            execute=int(card["chunk"]["execute"]),
            steps=self._network.head.steps,
            solvers=self._network.head.solvers,
            rows=_ROWS,
            modes=about["modes"],
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
        trunk = self._network.trunk
        with torch.inference_mode():
            proprio = torch.from_numpy(np.stack([seen.proprio for seen in observations]))
            features = self._look(observations, proprio)
            clock.append(perf_counter())
            sentences = [seen.instruction for seen in observations]
            ids, valid = self._words.encode(sentences, self._text_length)
            cache = self._network.prefix(features, ids, valid)
            clock.append(perf_counter())
            trunk.evaluations = 0
            actions = self._network.sample(cache, proprio, draw, steps, solver)
        clock.append(perf_counter())
        took = [1000 * float(span) for span in np.diff(clock)]
        return Plan(
            actions.double().numpy(),
            np.asarray(trunk.evaluations),
            dict(zip(("eyes", "prefix", "sampler"), took, strict=True)),
        )

    def _look(self, observations: Sequence[Observation], proprio: torch.Tensor) -> torch.Tensor:
        """What the eyes say, (B, S, 11)."""
        images = {
            name: torch.from_numpy(np.stack([seen.images[name] for seen in observations]))
            for name in self._eyes.cameras
        }
        if self._blank:
            images = {name: torch.full_like(x, 127) for name, x in images.items()}
        return self._eyes(images, proprio).features()


def load_policy(folder: Path) -> LearnedPolicy:
    """The trained policy of a folder."""
    return LearnedPolicy(folder)
