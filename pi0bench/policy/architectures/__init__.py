"""Architectures: what can be behind an encoder. One is shared, the others are rows' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pi0bench.errors import UsageError
from pi0bench.policy.architectures.act import ActNetwork
from pi0bench.policy.architectures.conditioned_unet import ConditionedUNet
from pi0bench.policy.architectures.observation_encoders import (
    KeypointObservationEncoder,
    ObservationEncoder,
    PointObservationEncoder,
)
from pi0bench.policy.architectures.trunk_network import TrunkNetwork
from pi0bench.policy.card_tables import PolicyCard
from pi0bench.policy.heads import parse
from pi0bench.policy.heads.gaussian_path_head import GaussianPathHead
from pi0bench.policy.network import Network, NetworkSpec
from pi0bench.policy.pi0_trunk import TrunkConfig


@dataclass(frozen=True)
class Architecture:
    """How a network is made, and the tables of a card that it needs."""

    make: Callable[[PolicyCard, NetworkSpec], Network]
    tables: tuple[str, ...]


def _trunk(card: PolicyCard, spec: NetworkSpec) -> Network:
    return TrunkNetwork(spec, card.trunk or TrunkConfig(), card.head)


def _diffusion_policy(card: PolicyCard, spec: NetworkSpec) -> Network:
    encoder = KeypointObservationEncoder(spec.keypoints, spec.vocab_size, spec.motion, spec.lag)
    return _unet(card, spec, encoder)


def _dp3(card: PolicyCard, spec: NetworkSpec) -> Network:
    return _unet(card, spec, PointObservationEncoder(spec.vocab_size, spec.lag))


def _unet(card: PolicyCard, spec: NetworkSpec, encoder: ObservationEncoder) -> Network:
    kind, options = parse(card.head)
    if kind is not GaussianPathHead:
        raise UsageError(f'head.kind: a U-Net goes with "gaussian_path", not "{card.head["kind"]}"')
    return ConditionedUNet(spec, encoder, card.network.widths, options)


def _act(card: PolicyCard, spec: NetworkSpec) -> Network:
    return ActNetwork(spec)


ARCHITECTURES: dict[str, Architecture] = {
    "trunk": Architecture(_trunk, ("eyes", "trunk", "head")),
    "diffusion_policy": Architecture(_diffusion_policy, ("eyes", "head")),
    "dp3": Architecture(_dp3, ("points", "head")),
    "act": Architecture(_act, ("eyes",)),
}


def build_network(card: PolicyCard, spec: NetworkSpec) -> Network:
    """The network that a card describes: the one of its `[network]` table, else the shared trunk.

    Raises:
        UsageError: its parts do not go together.
    """
    return ARCHITECTURES[card.network.kind].make(card, spec)
