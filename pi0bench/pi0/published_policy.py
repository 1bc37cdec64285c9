"""A published checkpoint as a policy of the harness: pi0@FOLDER, or pi0@random for its latency."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import torch
from numpy.typing import NDArray

from pi0bench.errors import UsageError, unknown
from pi0bench.openpi.key_mapping import Dialect, read_dialect
from pi0bench.pi0.checkpoint_folder import Checkpoint, Told, opened
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.prompts import Bytes, SentencePieceWords, Words, prompt
from pi0bench.policy.policy_protocol import PROPRIO_DIM, Observation, Plan, Traits

RANDOM = "random"
MAPPING = "pi0bench.toml"
"""The mapping that a checkpoint's folder holds, unless another is asked for."""

_OPTIONS = ("mapping", "device", "dtype")
_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_DEVICES = ("cpu", "cuda")
_PANDA = Path(__file__).parent / "mappings" / "panda.toml"
_PIECE = 1 << 16
_BLANK = Observation({}, np.zeros(PROPRIO_DIM, np.float32), "", joints_rad=np.zeros(7, np.float32))


@dataclass(frozen=True)
class Asked:
    """What a name asks for: pi0@FOLDER?mapping=FILE&device=cuda&dtype=float32.

    Attributes:
        folder: of the checkpoint.
        mapping: a file that joins our cameras, state and action to the checkpoint's; without one
            the folder's `MAPPING`.
        device: cpu or cuda.
        dtype: bfloat16 or float32.
    """

    folder: str
    mapping: str = ""
    device: str = "cpu"
    dtype: str = "bfloat16"

    @staticmethod
    def of(name: str) -> Asked:
        """Read a name.

        Raises:
            UsageError: an option is unknown or has no such value.
        """
        folder, _, rest = name.partition("@")[2].partition("?")
        options = dict(parse_qsl(rest, keep_blank_values=True))
        for option in options:
            if option not in _OPTIONS:
                raise UsageError(f"{name}: {unknown('option', option, _OPTIONS)}")
        asked = Asked(folder, **options)
        if asked.dtype not in _DTYPES:
            raise UsageError(f"{name}: {unknown('dtype', asked.dtype, _DTYPES)}")
        if asked.device not in _DEVICES:
            raise UsageError(f"{name}: {unknown('device', asked.device, _DEVICES)}")
        if asked.device == "cuda" and not torch.cuda.is_available():
            raise UsageError(f"{name}: no CUDA device is here; leave device=cuda out")
        return asked

    @property
    def map(self) -> Path:
        """The mapping's file."""
        if self.folder == RANDOM:
            return _PANDA
        return Path(self.mapping) if self.mapping else Path(self.folder) / MAPPING


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
        self._dialect, told = _mapping(asked.map)
        self._checkpoint, self._network = _loaded(asked, told)
        self._words = _words(asked, told)
        cameras = self._checkpoint.cameras
        if not (own := self._dialect.observation.keys() & set(cameras)):
            raise UsageError(f"{asked.map}: names no camera of {', '.join(cameras)}")
        self._cameras = [camera for camera in cameras if camera in own]
        if (side := self._checkpoint.variant.vision.side) != self._dialect.image_side:
            raise UsageError(f"{asked.map}: image_side: {side} px are what it sees")
        felt = len(self._dialect.message(_BLANK)["state"])
        if felt != (wanted := len(self._checkpoint.transforms.state.low)):
            raise UsageError(
                f"{asked.map}: observation.state: {felt} numbers; the checkpoint knows {wanted}"
            )
        head = self._network.head
        self.traits = Traits(
            weights=_fingerprint(asked, self._checkpoint),
            image_side=side,
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


def _mapping(path: Path) -> tuple[Dialect, Told]:
    """A mapping's keys and units, and what it tells of the checkpoint."""
    dialect, rest = read_dialect(path, also=["checkpoint"])
    try:
        told = Told(**rest.get("checkpoint", {}))
    except TypeError as error:
        raise UsageError(f"{path}: checkpoint: {error}") from None
    if "state" not in dialect.observation:
        raise UsageError(f'{path}: observation: say what "state" is made of')
    return dialect, told


def _loaded(asked: Asked, told: Told) -> tuple[Checkpoint, Pi0Network]:
    dtype = _DTYPES[asked.dtype]
    if asked.folder == RANDOM:
        from pi0bench.pi0.random_checkpoint import random_network

        return random_network(asked.device, dtype)
    checkpoint = opened(Path(asked.folder), told)
    return checkpoint, checkpoint.file.load(checkpoint.variant, asked.device, dtype)


def _words(asked: Asked, told: Told) -> Words:
    if asked.folder == RANDOM:
        return Bytes()
    return SentencePieceWords(asked.map.parent / told.tokenizer)


def _picture(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(side, side, 3) of 0 to 255 to (3, side, side) in [-1, 1]."""
    return (rgb.transpose(2, 0, 1) / 127.5 - 1).astype(np.float32)


def _fingerprint(asked: Asked, checkpoint: Checkpoint) -> str:
    """Of the weights' head and of pieces all over the file, the mapping and the type; 12 digits.

    The whole of a published file would take as long to read as an episode.
    """
    sha = hashlib.sha256(f"{asked.dtype} {checkpoint.summary}".encode())
    sha.update(asked.map.read_bytes())
    if asked.folder != RANDOM:
        path = checkpoint.file.path
        size = path.stat().st_size
        sha.update(str(size).encode())
        with path.open("rb") as file:
            for place in np.linspace(0, max(0, size - _PIECE), 64).astype(int):
                file.seek(int(place))
                sha.update(file.read(_PIECE))
    return sha.hexdigest()[:12]
