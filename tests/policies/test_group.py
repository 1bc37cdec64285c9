"""A comparison group compares heads: nothing else differs between its cards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator

from pi0bench.content.folders import folder
from pi0bench.policies.card import build, read, weights
from pi0bench.policies.policy_folders import folders

ROOT = folder("policies")
CARDS = {name: read(home) for name, home in folders().items() if not name.endswith("/robosuite")}
GROUP = sorted(
    name for name, card in CARDS.items() if card.get("group") == "heads" and "same_as" not in card
)
EVERY_FAMILY = {
    *("bc", "mip", "flow", "pi0", "rectified", "ddpm", "ddim", "dpm", "sde"),
    *("nflow", "rt1", "openvla", "fast"),
}


def test_the_group_has_every_family() -> None:
    assert set(GROUP) >= EVERY_FAMILY - {"ddim", "dpm"}
    assert {name for name in EVERY_FAMILY if name not in GROUP} <= {"ddim", "dpm"}


def common(name: str) -> dict[str, Any]:
    """What a card must share with all others of the group."""
    apart = {"summary", "head", "weights", "same_as"}
    card = {key: value for key, value in CARDS[name].items() if key not in apart}
    free = {"muon_lr", "seed"}  # the rate is chosen for each head, on development start states
    return {**card, "training": {k: v for k, v in card["training"].items() if k not in free}}


@pytest.mark.parametrize("name", sorted({*EVERY_FAMILY, *GROUP}))
def test_cards_differ_in_the_head_and_its_rate_only(name: str) -> None:
    assert common(name) == common("flow")
    assert CARDS[name]["training"]["muon_lr"] in (1e-2, 3e-3)


@pytest.mark.parametrize("name", [name for name in GROUP if "/" not in name])
def test_each_is_trained_twice_and_alike(name: str) -> None:
    first, again = CARDS[name], CARDS[f"{name}/seed1"]
    assert again["training"] == {**first["training"], "seed": 1}
    teacher = first["head"].get("teacher")
    taught = {"teacher": f"{teacher}/seed1"} if teacher else {}
    assert again["head"] == {**first["head"], **taught}


def fresh(name: str) -> dict[str, torch.Tensor]:
    """The untrained network of a card, by the numbers that its training found."""
    _, about = weights(ROOT / name / "model.safetensors")
    network, _ = build(CARDS[name], about)
    seed = CARDS[name]["training"]["seed"]
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
    tensors, _ = weights(ROOT / name / "model.safetensors")
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
