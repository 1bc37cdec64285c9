"""The same numbers as transformers' own π0, from the same weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Generator, Tensor

from pi0bench.pi0.checkpoint_names import sources
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.policy.heads.head import Context
from tests.pi0.oracle import TINY, Oracle

ROWS, CAMERAS, WORDS = 3, 2, 5


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    return Oracle()


@pytest.fixture(scope="module")
def network(oracle: Oracle) -> Pi0Network:
    network, tensors = Pi0Network(TINY), oracle.tensors()
    found = {name: source.read(tensors.__getitem__) for name, source in sources(TINY).items()}
    network.load_state_dict(found)
    return network.eval()


class Seen:
    """Three observations: ragged words, and one camera that is not there."""

    def __init__(self) -> None:
        draw = partial(torch.randn, generator=Generator().manual_seed(1))
        side = TINY.vision.side
        self.pictures = draw(ROWS, CAMERAS, 3, side, side).clamp(-1, 1)
        self.there = torch.ones(ROWS, CAMERAS).bool()
        self.there[1, 0] = False
        self.words = torch.arange(ROWS * WORDS).view(ROWS, WORDS) + 1
        self.said = torch.arange(WORDS) < torch.tensor([[5], [3], [1]])
        self.state = draw(ROWS, TINY.action_dim)
        size = (ROWS, TINY.action_horizon, TINY.action_dim)
        self.actions, self.noise = draw(size), draw(size)
        self.time = torch.tensor([0.2, 0.71, 0.999])


def context(network: Pi0Network, seen: Seen) -> Context:
    looks = network.look(seen.pictures)
    return network.encode(looks, seen.there, seen.words, seen.said, seen.state)


def velocity(network: Pi0Network, seen: Seen, x: Tensor, time: Tensor) -> Tensor:
    """What leads from noise to data at x, where 1 is data."""
    return network.head.predict(context(network, seen), x, time)


@torch.no_grad()
def test_siglip_alone_is_the_same(oracle: Oracle, network: Pi0Network) -> None:
    pictures = Seen().pictures
    theirs = oracle.looks(pictures.flatten(0, 1)).unflatten(0, pictures.shape[:2])
    torch.testing.assert_close(network.look(pictures), theirs, atol=1e-5, rtol=0)


@torch.no_grad()
def test_gemma_alone_is_the_same(oracle: Oracle, network: Pi0Network) -> None:
    seen = Seen()
    own = context(network, seen).kv_cache
    theirs = oracle.keys_and_values(oracle.seen(seen.pictures, seen.there, seen.words, seen.said))
    for ours, other in zip(own.layers, theirs, strict=True):
        for mine, yours in zip(ours, other, strict=True):
            for row, there in enumerate(own.mask):  # theirs has what is not there behind the rest
                count = int(there.sum())
                found = mine[row][:, there]
                torch.testing.assert_close(found, yours[row][:, :count], atol=1e-5, rtol=0)


@torch.no_grad()
def test_losses_are_the_same(oracle: Oracle, network: Pi0Network) -> None:
    seen = Seen()
    told = oracle.seen(seen.pictures, seen.there, seen.words, seen.said)
    theirs = oracle.model(
        state=seen.state, noise=seen.noise, timestep=seen.time, actions=seen.actions, **told
    )
    at = seen.time[:, None, None]
    x = at * seen.noise + (1 - at) * seen.actions
    found = velocity(network, seen, x, 1 - seen.time)
    error = (found - (seen.actions - seen.noise)).square()
    torch.testing.assert_close(error, theirs.loss, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(-found, theirs.logits, atol=1e-3, rtol=0)


@torch.no_grad()
def sampled(network: Pi0Network, seen: Seen, steps: int) -> Tensor:
    return network.sample(context(network, seen), lambda: seen.noise, steps, "euler").actions


@pytest.mark.parametrize("steps", [1, 5, 10])
def test_samples_are_the_same(oracle: Oracle, network: Pi0Network, steps: int) -> None:
    seen = Seen()
    told = oracle.seen(seen.pictures, seen.there, seen.words, seen.said)
    theirs = oracle.model.sample_actions(
        state=seen.state, noise=seen.noise, num_steps=steps, **told
    )
    torch.testing.assert_close(sampled(network, seen, steps), theirs, atol=1e-3, rtol=0)


def text_unscaled(network: Pi0Network, seen: Seen) -> None:
    network.text_embedding.weight.data /= network.text_embedding.embedding_dim**0.5


def pictures_scaled(network: Pi0Network, seen: Seen) -> None:
    for part in network.vision.projector.parameters():
        part.data *= TINY.trunk.prefix_width**-0.5


def time_reversed(network: Pi0Network, seen: Seen) -> None:
    predict = network.head.predict
    network.head.predict = lambda context, x, time: predict(context, x, 1 - time)  # type: ignore[method-assign]


def padding_unmasked(network: Pi0Network, seen: Seen) -> None:
    seen.said = torch.ones_like(seen.said)


def velocity_reversed(network: Pi0Network, seen: Seen) -> None:
    for part in network.head.action_out_proj.parameters():
        part.data *= -1


@pytest.mark.parametrize(
    "mistake", [text_unscaled, pictures_scaled, time_reversed, padding_unmasked, velocity_reversed]
)
def test_a_mistake_is_seen(
    oracle: Oracle, network: Pi0Network, mistake: Callable[[Pi0Network, Seen], None]
) -> None:
    seen, other = Seen(), Pi0Network(TINY)
    other.load_state_dict(network.state_dict())
    right = sampled(network, seen, 10)
    mistake(other.eval(), seen)
    assert (sampled(other, seen, 10) - right).abs().max() > 0.05
