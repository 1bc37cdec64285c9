"""A comparison group compares heads: nothing else differs between its cards."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator

from pi0bench.content.folders import folder
from pi0bench.policy.card import read
from pi0bench.policy.card_tables import PolicyCard
from pi0bench.policy.heads import fit_tokenizer
from pi0bench.policy.heads.head import Target
from pi0bench.policy.network_loader import load_network, new_network
from pi0bench.policy.policy_folders import folders

ROOT = folder("policies")
CARDS = {name: read(home) for name, home in folders().items() if not name.endswith("/robosuite")}
GROUP = sorted(n for n, card in CARDS.items() if card.group == "heads" and not card.same_as)
EVERY_FAMILY = {
    *("bc", "mip", "flow", "pi0", "rectified", "ddpm", "ddim", "dpm", "sde"),
    *("span", "ofp", "shortcut", "mean_flow", "improved_mean_flow"),
    *("two_stage", "residual", "mip_code", "straight", "bc_flow", "dense_jump"),
    *("energy_score", "energy_based", "mixture", "nflow", "rt1", "masked", "openvla", "fast"),
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


def fresh(name: str) -> dict[str, torch.Tensor]:
    """The untrained network of a card, whose tokenizer, if it has one, is of made-up chunks."""
    card, found = CARDS[name], load_network(ROOT / "pi0", CARDS["pi0"])[2]
    space = found.actions.space(card.chunk.length)
    low, high = space.quantiles
    ends = torch.rand(2, 64, 1, 7, generator=Generator().manual_seed(0))
    t = torch.linspace(0, 1, card.chunk.length)[:, None]
    chunks = low + (high - low) * ((1 - t) * ends[0] + t * ends[1])
    target = Target(chunks, torch.ones(chunks.shape[:2]).bool())
    tokenizer = fit_tokenizer(card.head, target, space)
    network, _ = new_network(card, replace(found, head=tokenizer))
    return network.initialise(Generator().manual_seed(card.training.seed)).state_dict()


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
    sizes: dict[str, Any] = {"head": 0, "trunk": 0}
    for key, x in fresh(name).items():
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
