"""Weights on disk: safetensors whose metadata says what training found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.files.atomic import replacing
from pi0bench.policy.policy_folders import name_of

_MAX_BYTES = 200_000_000
_ROLE = re.compile(rb"^role *=.*\n", re.MULTILINE)


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a weights file, and what its training says of itself.

    Raises:
        UsageError: the file is missing, too large, truncated, or no safetensors of this project.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; {again(path)}")
    if path.stat().st_size > _MAX_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_BYTES // 10**6} MB")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            about = json.loads((file.metadata() or {})["about"])
        if not isinstance(about, dict):
            raise ValueError("what its training says of itself is no object")
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError) as error:
        raise UsageError(
            f"{path}: no intact weights file ({error}); restore it, or {again(path)}"
        ) from None
    return tensors, about


def write(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Path:
    """Write a weights file, whole or not at all, and return it."""
    flat = {name: x.detach().contiguous() for name, x in tensors.items()}
    with replacing(path) as partial:
        partial.write_bytes(save(flat, metadata={"about": json.dumps(about, sort_keys=True)}))
    return path


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Set all weights of a module; they must fit exactly and be finite.

    Raises:
        UsageError: a tensor is missing, superfluous, of another shape, or not finite.
    """
    wanted = module.state_dict()
    problems = [f"{name} is missing" for name in wanted if name not in tensors]
    problems += [f"{name} is not part of it" for name in tensors if name not in wanted]
    for name in wanted.keys() & tensors.keys():
        has, needs = tuple(tensors[name].shape), tuple(wanted[name].shape)
        if has != needs:
            problems.append(f"{name} has shape {has}, not {needs}")
        elif not tensors[name].isfinite().all():
            problems.append(f"{name} is not finite")
    if problems:
        told = "; ".join(sorted(problems)[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise UsageError(f"{path}: does not fit its card: {told}{more}; {again(path)}")
    module.load_state_dict({name: tensors[name].to(x.dtype) for name, x in wanted.items()})


def digest(*paths: Path) -> str:
    """Hash of the files' bytes but for what a card says of the comparison, 12 hex digits."""
    sha = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        if path.suffix == ".toml":
            data = _ROLE.sub(b"", data)  # which changes no plan
        sha.update(hashlib.sha256(data).digest())
    return sha.hexdigest()[:12]


def again(path: Path) -> str:
    """How a weights file is made."""
    number = path.stem.rpartition("-")[2]
    seeds = f" --seeds {int(number) + 1}" if number.isdecimal() else ""
    return f"pi0bench train {name_of(path.parent)}{seeds} makes it"
