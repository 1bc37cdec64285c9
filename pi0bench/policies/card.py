"""A policy's folder: its card says what it is, model.safetensors what training made of it."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.architectures import build_network
from pi0bench.policies.instruction_tokenizer import Words
from pi0bench.policies.keypoint_encoder import Eyes
from pi0bench.policies.network import Given, Network
from pi0bench.policies.normalisation import ActionScale
from pi0bench.policies.policy_folders import CARD, EYES_CARD, WEIGHTS, folders, name_of

_MAX_BYTES = 200_000_000
_MAX_CARD_BYTES = 1_000_000
_ROLE = re.compile(rb"^role *=.*\n", re.MULTILINE)


def read(folder: Path, name: str = CARD) -> dict[str, Any]:
    """The card of a folder; one that says `same_as` takes over the other's tables and weights.

    Raises:
        UsageError: the card is missing or not TOML, or names a folder that does not exist.
    """
    card = _parsed(folder / name)
    card["weights"] = str(folder / WEIGHTS)
    if "same_as" not in card:
        return card
    source = folders()[card["same_as"]]
    other = {**_parsed(source / CARD), "weights": str(source / WEIGHTS)}
    if "same_as" in other:
        raise UsageError(f"{folder / name}: {card['same_as']} has no weights of its own")
    tables = {key for key in card if isinstance(card[key], dict)}
    merged = {key: {**other.get(key, {}), **card[key]} for key in tables}
    return {**other, **card, **merged, "weights": other["weights"]}


def _parsed(path: Path) -> dict[str, Any]:
    """The TOML of a card, whose names of other folders are names of folders and no paths."""
    try:
        if path.stat().st_size > _MAX_CARD_BYTES:
            raise UsageError(f"{path}: a card has at most {_MAX_CARD_BYTES} bytes")
        card = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: nested too deeply") from None
    except ValueError as error:  # TOMLDecodeError, and whatever Python says of huge numbers
        raise UsageError(f"{path}: not TOML: {error}") from None
    eyes = card.get("eyes")
    eyes_name = eyes.get("name") if isinstance(eyes, dict) else None
    for name, known in ((card.get("same_as"), folders()), (eyes_name, folders(EYES_CARD))):
        if name is not None and name not in [*known]:
            raise UsageError(f"{path}: {unknown('folder', str(name), known)}")
    return card


def load_eyes(name: str) -> Eyes:
    """The eyes of that name.

    Raises:
        UsageError: their card or weights are wrong.
    """
    folder = folders(EYES_CARD)[name]
    card = read(folder, EYES_CARD)
    tensors, about = weights(folder / WEIGHTS)
    eyes = Eyes(about["looks"], about["calibration"], card["eyes"]["width"])
    fill(eyes, tensors, folder / WEIGHTS)
    return eyes.eval()


def load_network(card: Mapping[str, Any]) -> tuple[Network, Words, dict[str, Any]]:
    """The network of a card with its weights, the words that it knows, and what training found.

    Raises:
        UsageError: the weights are missing, broken, do not fit, or learned from other eyes.
    """
    path = Path(card["weights"])
    tensors, about = weights(path)
    if "eyes" in card:
        eyes = folders(EYES_CARD)[card["eyes"]["name"]] / WEIGHTS
        if about.get("eyes") != digest(eyes):
            raise UsageError(f"{path}: learned from other eyes than {eyes}; {_again(path)}")
    network, words = build(card, about)
    fill(network, tensors, path)
    return network.eval(), words, about


def build(card: Mapping[str, Any], about: Mapping[str, Any]) -> tuple[Network, Words]:
    """The network that a card describes, its weights not yet set, and the words that it knows.

    Args:
        card: see `read`.
        about: what training found in its data: vocabulary, looks (with eyes), actions, head.
    """
    scale = ActionScale(**{name: tuple(row) for name, row in about["actions"].items()})
    words = Words(about["vocabulary"])
    looks, horizon = len(about.get("looks", ())), int(card["chunk"]["length"])
    given = Given(looks, len(words), scale, horizon, about["head"])
    return build_network(card, given), words


def digest(*paths: Path) -> str:
    """Hash of the files' bytes but for what a card says of the comparison, 12 hex digits."""
    sha = hashlib.sha256()
    for path in paths:
        data = path.read_bytes()
        if path.suffix == ".toml":
            data = _ROLE.sub(b"", data)  # which changes no plan
        sha.update(hashlib.sha256(data).digest())
    return sha.hexdigest()[:12]


def weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a weights file, and what its training says of itself.

    Raises:
        UsageError: the file is missing, too large, truncated, or no safetensors of this project.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; {_again(path)}")
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
            f"{path}: no intact weights file ({error}); restore it, or {_again(path)}"
        ) from None
    return tensors, about


def _again(path: Path) -> str:
    return f"pi0bench train {name_of(path.parent)} makes it"


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
        raise UsageError(f"{path}: does not fit its card: {told}{more}; {_again(path)}")
    module.load_state_dict({name: tensors[name].to(x.dtype) for name, x in wanted.items()})
