"""A trained policy: eyes, then network, for several robots at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

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
        self._network, self._words = load_network(card)
        self._text_length = int(card["text"]["length"])
        self._chunk_length = int(card["chunk"]["length"])
        eyes = content("policies") / card["eyes"]["name"]
        files = folder / CARD, Path(card["weights"]), eyes / EYES_CARD, eyes / WEIGHTS
        self.traits = Traits(
            weights=digest(*files),
            image_side=int(read(eyes, EYES_CARD)["eyes"]["side"]),
            execute=int(card["chunk"]["execute"]),
            steps=int(card["sampler"]["steps"]),
            solver=str(card["head"]["sampler"]),
            rows=_ROWS,
        )

    def plan(
        self, observations: Sequence[Observation], noise: Sequence[np.random.Generator], steps: int
    ) -> Plan:
        """Plan for each observation, (B, H, 7); see `Policy.plan`."""
        shape = (self._chunk_length, 7)
        start = np.stack([rng.standard_normal(shape, np.float32) for rng in noise])
        with torch.inference_mode():
            proprio = torch.from_numpy(np.stack([seen.proprio for seen in observations]))
            images = {
                name: torch.from_numpy(np.stack([seen.images[name] for seen in observations]))
                for name in self._eyes.cameras
            }
            if self._blank:
                images = {name: torch.full_like(x, 127) for name, x in images.items()}
            features = self._eyes(images, proprio).features()
            sentences = [seen.instruction for seen in observations]
            ids, valid = self._words.encode(sentences, self._text_length)
            cache = self._network.prefix(features, ids, valid)
            self._network.trunk.evaluations = 0
            actions = self._network.sample(cache, proprio, torch.from_numpy(start), steps)
        return Plan(actions.double().numpy(), self._network.trunk.evaluations)


def load_policy(folder: Path) -> LearnedPolicy:
    """The trained policy of a folder."""
    return LearnedPolicy(folder)
