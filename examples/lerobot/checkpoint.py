"""A checkpoint of LeRobot 0.4 as a policy: ACT, π0, SmolVLA, whatever plans from one observation.

The environment variable LEROBOT_CHECKPOINT names its folder, `pretrained_model` with config.json.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lerobot.configs.policies import PreTrainedConfig
from lerobot.policies.factory import get_policy_class, make_pre_post_processors

from pi0bench.policy.policy_protocol import Observation, Plan, Traits


class Checkpoint:
    """Plans one robot after the other, since such a policy draws from PyTorch's own generator."""

    name = "checkpoint"

    def __init__(self) -> None:
        folder = Path(os.environ["LEROBOT_CHECKPOINT"])
        config = PreTrainedConfig.from_pretrained(folder)
        config.device = "cpu"
        self._policy = get_policy_class(config.type).from_pretrained(folder, config=config).eval()
        self._before, self._after = make_pre_post_processors(config, str(folder))
        self.traits = Traits(
            weights=hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12],
            image_side=config.input_features["observation.images.front"].shape[-1],
            execute=config.n_action_steps,
        )

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """A chunk for each observation, (B, H, 7)."""
        chunks = []
        for seen, rng in zip(observations, noise, strict=True):
            torch.manual_seed(int(rng.integers(2**63)))  # noqa: TID251
            with torch.inference_mode():
                chunk = self._policy.predict_action_chunk(self._before(as_lerobot(seen)))
                chunks.append(self._after(chunk)[0].double().numpy())
        return Plan(np.stack(chunks))


def as_lerobot(seen: Observation) -> dict[str, object]:
    """The observation by the keys that `pi0bench demos --format lerobot` wrote."""
    images = {
        f"observation.images.{name}": torch.from_numpy(image.copy()).permute(2, 0, 1) / 255
        for name, image in seen.images.items()
    }
    state = torch.from_numpy(seen.proprio.copy())
    return {**images, "observation.state": state, "task": seen.instruction}
