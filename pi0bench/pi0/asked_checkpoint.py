"""What a policy's name asks for: a checkpoint's folder, or random weights, and how it computes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
import torch

from pi0bench.errors import UsageError, unknown
from pi0bench.openpi.key_mapping import Dialect, read_dialect
from pi0bench.pi0.checkpoint import Checkpoint, Told
from pi0bench.pi0.checkpoint_folder import opened
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.prompts import Bytes, SentencePieceWords, Words
from pi0bench.pi0.random_checkpoint import random_network, unwritten
from pi0bench.pi0.variants import PI0, PI05

RANDOM = "random"
MAPPING = "pi0bench.toml"
"""The mapping that a checkpoint's folder holds, unless another is asked for."""

_OPTIONS = ("mapping", "device", "dtype")
_DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}
_DEVICES = ("cpu", "cuda")
_PANDA = Path(__file__).parent / "mappings" / "panda.toml"
_PIECE = 1 << 16


@dataclass(frozen=True)
class Asked:
    """What a name asks for: pi0@FOLDER?mapping=FILE&device=cuda&dtype=float32, or pi05@FOLDER.

    Attributes:
        adaptive: whether it is to be a π0.5.
        folder: of the checkpoint.
        mapping: a file that joins our cameras, state and action to the checkpoint's; without one
            the folder's `MAPPING`.
        device: cpu or cuda.
        dtype: bfloat16 or float32.
    """

    adaptive: bool
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
        model, _, where = name.partition("@")
        folder, _, rest = where.partition("?")
        options = dict(parse_qsl(rest, keep_blank_values=True))
        for option in options:
            if option not in _OPTIONS:
                raise UsageError(f"{name}: {unknown('option', option, _OPTIONS)}")
        asked = Asked(model == "pi05", folder, **options)
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

    def told(self) -> tuple[Dialect, Told]:
        """The mapping's keys and units, and what it tells of the checkpoint.

        Raises:
            UsageError: the mapping is wrong.
        """
        path = self.map
        dialect, rest = read_dialect(path, also=["checkpoint"])
        try:
            told = Told(**rest.get("checkpoint", {}))
        except TypeError as error:
            raise UsageError(f"{path}: checkpoint: {error}") from None
        if "state" not in dialect.observation:
            raise UsageError(f'{path}: observation: say what "state" is made of')
        return dialect, told

    def opened(self, told: Told) -> Checkpoint:
        """The checkpoint, of which no weight has been read.

        Raises:
            UsageError: it is none, not whole, or of the other model.
        """
        variant = PI05 if self.adaptive else PI0
        if self.folder == RANDOM:
            return unwritten(variant)
        found = opened(Path(self.folder), told)
        if found.variant.adaptive != self.adaptive:
            named = "pi05" if found.variant.adaptive else "pi0"
            raise UsageError(f"{self.folder}: is a {found.variant.name}: say {named}@{self.folder}")
        return found

    def words(self, told: Told) -> Words:
        """What makes words of an instruction."""
        if self.folder == RANDOM:
            return Bytes()
        return SentencePieceWords(self.map.parent / told.tokenizer)

    def network(self, checkpoint: Checkpoint) -> Pi0Network:
        """The network with its weights."""
        where = self.device, _DTYPES[self.dtype]
        if self.folder == RANDOM:
            return random_network(checkpoint.variant, *where)
        return checkpoint.file.load(checkpoint.variant, *where)

    def fingerprint(self, checkpoint: Checkpoint) -> str:
        """Of pieces all over the weights' file, the mapping and the type; 12 hex digits.

        The whole of a published file would take as long to read as an episode.
        """
        sha = hashlib.sha256(f"{self.dtype} {checkpoint.summary}".encode())
        sha.update(self.map.read_bytes())
        if self.folder != RANDOM:
            path = checkpoint.file.path
            size = path.stat().st_size
            sha.update(str(size).encode())
            with path.open("rb") as file:
                for place in np.linspace(0, max(0, size - _PIECE), 64).astype(int):
                    file.seek(int(place))
                    sha.update(file.read(_PIECE))
        return sha.hexdigest()[:12]
