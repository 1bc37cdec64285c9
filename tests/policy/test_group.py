"""A comparison group compares heads: nothing else differs between its cards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator

from pi0bench.content.folders import folder
from pi0bench.policy import weights_file
from pi0bench.policy.card import read
from pi0bench.policy.card_tables import PolicyCard
from pi0bench.policy.network_loader import load_network, new_network
from pi0bench.policy.policy_folders import folders

ROOT = folder("policies")
CARDS = {name: read(home) for name, home in folders().items() if not name.endswith("/robosuite")}
GROUP = sorted(n for n, card in CARDS.items() if card.group == "heads" and not card.same_as)
EVERY_FAMILY = {
    *("bc", "mip", "flow", "pi0", "rectified", "ddpm", "ddim", "dpm", "sde"),
    *("nflow", "rt1", "openvla", "fast"),
}


def test_the_group_has_every_family() -> None:
    assert set(GROUP) >= EVERY_FAMILY - {"ddim", "dpm"}
    assert {name for name in EVERY_FAMILY if name not in GROUP} <= {"ddim", "dpm"}


def common(name: str) -> PolicyCard:
    """What a card must share with all others of the group."""
    card = CARDS[name]
    # The rate is chosen for each head, on development start states.
    training = replace(card.training, muon_lr=0.0, seed=0)
    return replace(card, summary="", head={}, same_as="", training=training)


@pytest.mark.parametrize("name", sorted({*EVERY_FAMILY, *GROUP}))
def test_cards_differ_in_the_head_and_its_rate_only(name: str) -> None:
    assert common(name) == common("flow")
    assert CARDS[name].training.muon_lr in (1e-2, 3e-3)


@pytest.mark.parametrize("name", [name for name in GROUP if "/" not in name])
def test_each_is_trained_twice_and_alike(name: str) -> None:
    first, again = CARDS[name], CARDS[f"{name}/seed1"]
    assert again.training == replace(first.training, seed=1)
    teacher = first.head.get("teacher")
    taught = {"teacher": f"{teacher}/seed1"} if teacher else {}
    assert again.head == {**first.head, **taught}


def fresh(name: str) -> dict[str, torch.Tensor]:
    """The untrained network of a card, by the numbers that its training found."""
    _, _, found = load_network(ROOT / name, CARDS[name])
    network, _ = new_network(CARDS[name], found)
    seed = CARDS[name].training.seed
    return network.initialise(Generator().manual_seed(seed)).state_dict()


@pytest.mark.parametrize("name", GROUP)
def test_all_start_from_the_same_trunk(name: str) -> None:
    own, other = fresh(name), fresh("flow/seed1" if name.endswith("/seed1") else "flow")
    shared = [key for key in other if not key.startswith("head.")]
    assert any(key.startswith("trunk.") for key in shared)
    for key in shared:
        assert torch.equal(own[key], other[key]), key
    assert [key for key in own if not key.startswith("head.")] == shared


def parameters(name: str) -> tuple[int, int]:
    """How many the head has, and how many the trunk."""
    tensors, _ = weights_file.read(ROOT / name / "model.safetensors")
    sizes: dict[str, Any] = {"head": 0, "trunk": 0}
    for key, x in tensors.items():
        part = key.split(".")[0]
        if part in sizes and x.is_floating_point():
            sizes[part] += x.numel()
    return sizes["head"], sizes["trunk"]


@pytest.mark.parametrize("name", GROUP)
def test_a_head_is_small_or_its_model_card_says_how_large_it_is(name: str) -> None:
    head, trunk = parameters(name)
    if head >= 0.05 * trunk:
        share = f"{100 * head / trunk:.0f} %"
        page = ROOT / name.removesuffix("/seed1") / "README.md"
        assert share in page.read_text(), f"say that it is {share}"
