"""A published checkpoint as a policy of the harness: pi0@FOLDER, or pi0@random for its latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pi0bench.errors import UsageError
from pi0bench.openpi.key_mapping import Dialect
from pi0bench.pi0.asked_checkpoint import Asked
from pi0bench.pi0.checkpoint import Checkpoint
from pi0bench.pi0.prompts import prompt
from pi0bench.policy.policy_protocol import PROPRIO_DIM, Observation, Plan, Traits

_BLANK = Observation({}, np.zeros(PROPRIO_DIM, np.float32), "", joints_rad=np.zeros(7, np.float32))


class PublishedPi0:
    """A published π0 (see `pi0bench.policy.policy_protocol.Policy`).

    Robots are planned for one after the other, so that a plan's bits depend on no neighbour.

    Args:
        name: see `Asked`.

    Raises:
        UsageError: the name, the mapping or the checkpoint is wrong.
    """

    def __init__(self, name: str) -> None:
        asked = Asked.of(name)
        self.name, self._device = name, asked.device
        self._dialect, told = asked.told()
        self._checkpoint = asked.opened(told)
        self._cameras = _fitting(self._dialect, self._checkpoint, asked.map)
        self._words = asked.words(told)
        self._network = asked.network(self._checkpoint)
        head = self._network.head
        self.traits = Traits(
            weights=asked.fingerprint(self._checkpoint),
            image_side=self._dialect.image_side,
            execute=self._dialect.execute,
            horizon=head.horizon,
            steps=head.steps,
            solvers=head.solvers,
            draws=True,
            dtype=asked.dtype,
            device=asked.device,
            about=f"{self._checkpoint.summary}; {asked.dtype} on {asked.device}",
        )

    def plan(
        self,
        observations: Sequence[Observation],
        noise: Sequence[np.random.Generator],
        steps: int,
        solver: str,
    ) -> Plan:
        """Plan for each observation, (B, H, 7); see `Policy.plan`."""
        rows, evaluations = [], []
        spent: dict[str, float] = {"eyes": 0.0, "prefix": 0.0, "sampler": 0.0}
        for seen, rng in zip(observations, noise, strict=True):
            actions, count, took = self._one(seen, rng, steps, solver)
            rows.append(actions)
            evaluations.append(count)
            spent = {part: ms + took[part] for part, ms in spent.items()}
        return Plan(np.stack(rows), np.array(evaluations), spent)

    @torch.inference_mode()
    def _one(
        self, seen: Observation, rng: np.random.Generator, steps: int, solver: str
    ) -> tuple[NDArray[np.float64], int, Mapping[str, float]]:
        """Actions, evaluations of the action expert, and milliseconds, for one robot."""
        message, of = self._dialect.message(seen), self._checkpoint
        state = np.asarray(message["state"], np.float64)
        pictures = np.stack([_picture(message[camera]) for camera in self._cameras])
        told = of.transforms.state.normalise(state) if of.state_in_words else None
        words, said = prompt(self._words, seen.instruction, told, of.variant.prompt_length)
        size = of.variant.action_horizon, of.variant.action_dim
        fresh = rng.standard_normal(size, np.float32)
        clock = [self._now()]
        looks = self._network.look(self._there(pictures))
        clock.append(self._now())
        # Cameras that are not there are left out: nobody attends to them, and they take no place.
        there = torch.ones(looks.shape[:2], dtype=torch.bool, device=self._device)
        rest = (self._there(x) for x in (words, said, of.transforms.state_in(state)))
        context = self._network.encode(looks, there, *rest)
        clock.append(self._now())
        made = self._network.sample(context, lambda: self._there(fresh), steps, solver)
        numbers = made.actions[0].cpu().numpy()
        clock.append(self._now())
        actions = self._dialect.actions(of.transforms.actions_out(numbers, state), seen)
        took = [1000 * float(span) for span in np.diff(clock)]
        return (
            actions,
            int(made.evaluations),
            dict(zip(("eyes", "prefix", "sampler"), took, strict=True)),
        )

    def _there(self, numbers: NDArray[Any]) -> torch.Tensor:
        """A batch of one on the device."""
        return torch.from_numpy(numbers)[None].to(self._device)

    def _now(self) -> float:
        """The clock, when all that was asked for is done."""
        if self._device == "cuda":
            torch.cuda.synchronize()
        return perf_counter()


def _fitting(dialect: Dialect, checkpoint: Checkpoint, path: Path) -> list[str]:
    """The cameras that a mapping and its checkpoint have in common; all else fits too.

    Raises:
        UsageError: something does not.
    """
    cameras = [name for name in checkpoint.cameras if name in dialect.observation]
    if not cameras:
        raise UsageError(f"{path}: names no camera of {', '.join(checkpoint.cameras)}")
    if (side := checkpoint.variant.vision.side) != dialect.image_side:
        raise UsageError(f"{path}: image_side: {side} px are what it sees")
    felt, known = len(dialect.message(_BLANK)["state"]), len(checkpoint.transforms.state.low)
    if felt != known:
        raise UsageError(f"{path}: observation.state: {felt} numbers; the checkpoint knows {known}")
    return cameras


def _picture(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(side, side, 3) of 0 to 255 to (3, side, side) in [-1, 1]."""
    return (rgb.transpose(2, 0, 1) / 127.5 - 1).astype(np.float32)
