"""Architectures: what can be behind a policy's eyes. One is shared, the others are rows' own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pi0bench.errors import UsageError, unknown
from pi0bench.policies.architectures.act import ActNetwork
from pi0bench.policies.architectures.conditioned_unet import ConditionedUNet
from pi0bench.policies.architectures.observation_encoders import PointObserver, TokenObserver
from pi0bench.policies.architectures.trunk_network import TrunkNetwork
from pi0bench.policies.network import Given, Network


def _diffusion_policy(card: Mapping[str, Any], given: Given) -> Network:
    observer = TokenObserver(given.looks, given.words)
    return ConditionedUNet(given, observer, card["network"]["widths"], card["head"])


def _dp3(card: Mapping[str, Any], given: Given) -> Network:
    observer = PointObserver(given.words)
    return ConditionedUNet(given, observer, card["network"]["widths"], card["head"])


def _act(card: Mapping[str, Any], given: Given) -> Network:
    return ActNetwork(given)


ARCHITECTURES: dict[str, Callable[[Mapping[str, Any], Given], Network]] = {
    "trunk": TrunkNetwork.of,
    "diffusion_policy": _diffusion_policy,
    "dp3": _dp3,
    "act": _act,
}


def build_network(card: Mapping[str, Any], given: Given) -> Network:
    """The network that a card describes: the one of its `[network]` table, else the shared trunk.

    Raises:
        UsageError: the table names no architecture.
    """
    kind = card.get("network", {"kind": "trunk"}).get("kind")
    if kind not in ARCHITECTURES:
        raise UsageError(f"network.kind: {unknown('architecture', str(kind), ARCHITECTURES)}")
    return ARCHITECTURES[kind](card, given)
