"""A comparison group compares heads: nothing else differs between its cards."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Generator

from pi0bench.content import folder
from pi0bench.policies.card import CARD, build, read, weights

ROOT = folder("policies")
CARDS = {path.parent.name: read(path.parent) for path in ROOT.glob(f"*/{CARD}")}
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


@pytest.mark.parametrize("name", sorted(EVERY_FAMILY))
def test_cards_differ_in_the_head_only(name: str) -> None:
    apart = {"summary", "head", "weights", "same_as"}
    own = {key: value for key, value in CARDS[name].items() if key not in apart}
    assert own == {key: value for key, value in CARDS["flow"].items() if key not in apart}


def fresh(name: str) -> dict[str, torch.Tensor]:
    """The untrained network of a card, by the numbers that its training found."""
    _, about = weights(ROOT / name / "model.safetensors")
    network, _ = build(CARDS[name], about)
    seed = CARDS[name]["training"]["seed"]
    return network.initialise(Generator().manual_seed(seed)).state_dict()


@pytest.mark.parametrize("name", GROUP)
def test_all_start_from_the_same_trunk(name: str) -> None:
    own, other = fresh(name), fresh("flow")
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
        assert share in (ROOT / name / "README.md").read_text(), f"say that it is {share}"
