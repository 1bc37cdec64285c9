"""A trained policy: keypoints or points, then network, for several robots at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from pi0bench.errors import UsageError
from pi0bench.policy.card import read, read_keypoint_card, weights_path
from pi0bench.policy.chunk_choice import Choice
from pi0bench.policy.heads import files_of_head
from pi0bench.policy.heads.chunk_guidance import Guidance
from pi0bench.policy.heads.head import NoiseSource, Sampled
from pi0bench.policy.keypoint_encoder import KeypointEncoder
from pi0bench.policy.keypoints import Keypoints
from pi0bench.policy.network_loader import load_keypoint_encoder, load_network
from pi0bench.policy.policy_folders import CARD, EYES_CARD, WEIGHTS, folders, name_of
from pi0bench.policy.policy_protocol import Observation, Plan, Traits
from pi0bench.policy.weights_file import digest
from pi0bench.policy_role import Role
from pi0bench.training_names import training

_ROWS = 8
_MAX_TEXT = 300


class LearnedPolicy:
    """The policy of a folder (see `pi0bench.policy.policy_protocol.Policy`).

    Args:
        folder: with its card.
        number: of the training.

    Raises:
        UsageError: its card or weights are wrong.
    """

    def __init__(self, folder: Path, number: int = 0) -> None:
        card = read(folder)
        self.name = training(name_of(folder), number)
        eyes = None if card.eyes is None else folders(EYES_CARD)[card.eyes.name]
        self._encoder = None if card.eyes is None else load_keypoint_encoder(card.eyes.name)
        self._motion_steps = 0 if card.eyes is None else card.eyes.motion_steps
        self._blank = card.eyes is not None and card.eyes.blank
        self._network, self._tokenizer, found = load_network(folder, card, number)
        self._text_length = card.text.length
        self._shape = card.chunk.length, 7
        files = [folder / CARD, weights_path(folder, card, number), *files_of_head(card.head)]
        if eyes is not None:
            files += [eyes / EYES_CARD, eyes / WEIGHTS]
        self.traits = Traits(
            weights=digest(*files),
            image_side=0 if eyes is None else read_keypoint_card(eyes).eyes.side,
            points=0 if card.points is None else card.points.count,
            n_obs_steps=2 if self._motion_steps else 1,
            obs_stride=max(1, self._motion_steps),
            control_hz=card.chunk.control_hz,
            execute=card.chunk.execute,
            horizon=self._network.horizon,
            steps=self._network.steps,
            solvers=self._network.solvers,
            rows=_ROWS,
            modes=found.modes,
            learned=tuple(found.tasks),
            role=Role(card.role),
            guidable=self._network.guidable,
            draws=self._network.draws,
            prefix_steps=self._network.prefix_steps,
        )

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan for each observation, (B, at most H, 7); see `Policy.plan`."""

        def source() -> torch.Tensor:
            rows = [rng.standard_normal(self._shape, np.float32) for rng in noise]
            return torch.from_numpy(np.stack(rows))

        clock = [perf_counter()]
        guidance = self._guidance(observations)
        # Inference mode would forbid the gradient that guides.
        with torch.no_grad() if isinstance(guidance, Guidance) else torch.inference_mode():
            batch = {**self._see(observations), "proprio": _felt(observations)}
            clock.append(perf_counter())
            sentences = [seen.instruction for seen in observations]
            tokens, mask = self._tokenizer.encode(sentences, self._text_length)
            encoded = self._network.encode({**batch, "prompt_tokens": tokens, "prompt_mask": mask})
            clock.append(perf_counter())
            made = self._sample(encoded, source, steps, solver, guidance)
        clock.append(perf_counter())
        took = [1000 * float(span) for span in np.diff(clock)]
        return Plan(
            made.actions.double().numpy(),
            np.asarray(made.evaluations),
            dict(zip(("eyes", "prefix", "sampler"), took, strict=True)),
        )

    def _sample(
        self,
        encoded: Any,
        source: NoiseSource,
        steps: int,
        solver: str,
        guidance: Guidance | Choice | None,
    ) -> Sampled:
        network = self._network
        if isinstance(guidance, Guidance):
            return network.sample_guided(encoded, source, steps, solver, guidance)
        if isinstance(guidance, Choice):
            draw = partial(network.sample, encoded, source, steps, solver)
            return guidance.sample(draw, network.norm_stats.normalise)
        return network.sample(encoded, source, steps, solver)

    def _guidance(self, observations: Sequence[Observation]) -> Guidance | Choice | None:
        """What draws the plans to those before; of one episode's cell either all have it or none.

        It is there before a first plan too, and does nothing, so that neighbours change nothing.
        """
        committed = [seen.committed for seen in observations if seen.committed is not None]
        if len(committed) < len(observations):
            return None
        normalise = self._network.norm_stats.normalise
        rows = [(normalise(torch.from_numpy(c.actions).float()), c) for c in committed]
        if committed[0].guidance == "choice":
            return Choice.of(rows)
        return Guidance.of(rows, self._network.horizon)

    def _see(self, observations: Sequence[Observation]) -> dict[str, torch.Tensor]:
        """The `features` of keypoints, (B, S, …); without an encoder the `points`, (B, N, 6).

        Nothing moves for who has seen nothing before.
        """
        if self._encoder is None:
            clouds = [seen.points for seen in observations if seen.points is not None]
            return {"points": torch.from_numpy(np.stack(clouds))}
        now = self._look(self._encoder, observations)
        features = now.features(_felt(observations))
        if self._motion_steps:
            first = [seen.past[0] if seen.past else seen for seen in observations]
            moved = now.moved(self._look(self._encoder, first))
            features = torch.cat([features, moved], dim=-1)
        return {"features": features}

    def _look(self, encoder: KeypointEncoder, observations: Sequence[Observation]) -> Keypoints:
        images = {
            name: torch.from_numpy(np.stack([seen.images[name] for seen in observations]))
            for name in encoder.cameras
        }
        if self._blank:
            images = {name: torch.full_like(x, 127) for name, x in images.items()}
        return encoder(images, _felt(observations))


def _felt(observations: Sequence[Observation]) -> torch.Tensor:
    """Proprioception of each, (B, 13)."""
    return torch.from_numpy(np.stack([seen.proprio for seen in observations]))


def load_policy(folder: Path, number: int = 0) -> LearnedPolicy:
    """The trained policy of a folder.

    Args:
        folder: with its card.
        number: of the training.

    Raises:
        UsageError: its card or weights are wrong.
    """
    try:
        return LearnedPolicy(folder, number)
    except (TypeError, ValueError, RuntimeError) as error:
        # Sizes that each may be, and cannot be together, are found by torch.
        said = f"{type(error).__name__}: {error}"[:_MAX_TEXT]
        raise UsageError(
            f"{folder}: its card and its weights do not go together: {said}"
        ) from error
