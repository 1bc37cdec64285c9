"""Networks with their weights: what a card describes and a weights file fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pi0bench.errors import UsageError
from pi0bench.policy import weights_file
from pi0bench.policy.architectures import build_network
from pi0bench.policy.card import read_keypoint_card, weights_path
from pi0bench.policy.card_tables import PolicyCard
from pi0bench.policy.instruction_tokenizer import InstructionTokenizer
from pi0bench.policy.keypoint_encoder import KeypointEncoder
from pi0bench.policy.network import Network, NetworkSpec
from pi0bench.policy.normalisation import NormStats
from pi0bench.policy.policy_folders import EYES_CARD, WEIGHTS, folders
from pi0bench.policy.typed_tables import build, problems

T = TypeVar("T")


@dataclass(frozen=True)
class PolicyMetadata:
    """What a policy's training found in its data.

    Attributes:
        vocabulary: words of its instructions.
        actions: how actions become numbers.
        head: keywords of the head (see `Head.fit_tokenizer`).
        modes: how many demonstrations of a task took each of the task's modes.
        tasks: that were demonstrated, each with its hash.
        keypoints: names of those that it sees; none without an encoder.
        eyes: hash of the encoder's weights.
    """

    vocabulary: tuple[str, ...]
    actions: NormStats
    head: Mapping[str, Any]
    modes: Mapping[str, Any]
    tasks: Mapping[str, str]
    keypoints: tuple[str, ...] = ()
    eyes: str = ""


@dataclass(frozen=True)
class KeypointMetadata:
    """What a keypoint encoder was trained for (see `KeypointEncoder`)."""

    keypoints: Mapping[str, float]
    calibration: Mapping[str, Any]


def load_keypoint_encoder(name: str) -> KeypointEncoder:
    """The keypoint encoder in the folder of that name.

    Raises:
        UsageError: its card or weights are wrong.
    """
    folder = folders(EYES_CARD)[name]
    card, path = read_keypoint_card(folder), folder / WEIGHTS
    tensors, about = weights_file.read(path)
    found = _metadata(KeypointMetadata, about, path)
    encoder = KeypointEncoder(found.keypoints, found.calibration, card.eyes.width)
    weights_file.fill(encoder, tensors, path)
    return encoder.eval()


def load_network(
    folder: Path, card: PolicyCard, number: int = 0
) -> tuple[Network, InstructionTokenizer, PolicyMetadata]:
    """The network of a card in a folder with its weights, its tokenizer, and what training found.

    Args:
        folder: of the policy.
        card: its card.
        number: of the training.

    Raises:
        UsageError: the weights are missing, broken, do not fit, or learned from other keypoints.
    """
    path = weights_path(folder, card, number)
    tensors, about = weights_file.read(path)
    found = _metadata(PolicyMetadata, about, path)
    if card.eyes is not None:
        eyes = folders(EYES_CARD)[card.eyes.name] / WEIGHTS
        if found.eyes != weights_file.digest(eyes):
            again = weights_file.again(path)
            raise UsageError(f"{path}: learned from other eyes than {eyes}; {again}")
    network, tokenizer = new_network(card, found)
    weights_file.fill(network, tensors, path)
    return network.eval(), tokenizer, found


def new_network(card: PolicyCard, found: PolicyMetadata) -> tuple[Network, InstructionTokenizer]:
    """The network that a card describes, its weights not yet set, and its tokenizer."""
    tokenizer = InstructionTokenizer(found.vocabulary)
    keypoints, horizon = [tokenizer.numbers(name)[0] for name in found.keypoints], card.chunk.length
    motion = card.eyes is not None and card.eyes.motion_steps > 0
    stats, lag = found.actions, card.state.lag
    spec = NetworkSpec(keypoints, len(tokenizer), stats, horizon, found.head, motion, lag)
    return build_network(card, spec), tokenizer


def _metadata(schema: type[T], about: Mapping[str, Any], path: Path) -> T:
    """What training says of itself; more than the schema asks for is left alone."""
    names = {field.name for field in fields(schema)}  # pyright: ignore[reportArgumentType]
    told = {key: value for key, value in about.items() if key in names}
    if wrong := [f"{place}: {what}" for place, what in problems(told, schema)]:
        said = "; ".join(wrong)
        raise UsageError(f"{path}: says of its training: {said}; {weights_file.again(path)}")
    return build(schema, told)
