"""Architectures of their own: what holds for each, and what each is known by."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from pi0bench.content.folders import folder
from pi0bench.errors import UsageError
from pi0bench.policy.architectures import ARCHITECTURES, build_network
from pi0bench.policy.architectures.act import ActNetwork
from pi0bench.policy.architectures.conditioned_unet import ConditionedUNet
from pi0bench.policy.architectures.pointnet import PointNet
from pi0bench.policy.architectures.unet import UNet
from pi0bench.policy.card import read
from pi0bench.policy.card_tables import NetworkTable
from pi0bench.policy.heads.head import NoiseSource
from pi0bench.policy.heads.time_embedding import diffusion_step_embedding
from pi0bench.policy.network import Network, NetworkSpec
from pi0bench.policy.normalisation import NormStats
from pi0bench.policy.policy_protocol import PROPRIO_DIM
from pi0bench.policy.weight_init import initialise

ROWS, HORIZON, WORDS, POINTS = 4, 8, 9, 40
KEYPOINTS = [2, 3, 8]  # first words of their names
HEAD = {"kind": "gaussian_path", "path": "squared_cosine", "times": "levels"}
CARDS = {
    "diffusion_policy": replace(
        read(folder("policies") / "diffusion_policy"),
        network=NetworkTable("diffusion_policy", (32, 48)),
        head={**HEAD, "target": "noise", "sampler": "ddpm", "steps": 100},
    ),
    "dp3": replace(
        read(folder("policies") / "dp3"),
        network=NetworkTable("dp3", (16, 24)),
        head={**HEAD, "target": "data", "sampler": "ddim", "steps": 10},
    ),
    "act": read(folder("policies") / "act"),
}
EACH = pytest.mark.parametrize("name", CARDS)


def seeded(seed: int) -> Generator:
    return Generator().manual_seed(seed)


def made(name: str, seed: int = 0) -> Network:
    scale = NormStats((0.0,) * 7, (0.75,) * 7, (-1.0,) * 7, (1.0,) * 7)
    given = NetworkSpec(KEYPOINTS, WORDS, scale, HORIZON, {})
    return build_network(CARDS[name], given).initialise(seeded(seed))


def batch(seed: int = 1) -> dict[str, Tensor]:
    g = seeded(seed)
    ends = torch.rand(2, ROWS, 1, 7, generator=g) * 1.6 - 0.8
    t = torch.linspace(0, 1, HORIZON)[:, None]
    words = torch.ones(ROWS, 5).bool()
    words[-1, 3:] = False
    return {
        "features": torch.randn(ROWS, len(KEYPOINTS), 10, generator=g),
        "points": torch.rand(ROWS, POINTS, 6, generator=g),
        "proprio": 0.1 * torch.randn(ROWS, PROPRIO_DIM, generator=g),
        "prompt_tokens": torch.randint(2, WORDS, (ROWS, 5), generator=g),
        "prompt_mask": words,
        "actions": (1 - t) * ends[0] + t * ends[1],
        "valid": torch.ones(ROWS, HORIZON).bool(),
    }


def noise(seed: int) -> NoiseSource:
    streams = [seeded(1000 * seed + row) for row in range(ROWS)]
    return lambda: torch.stack([torch.randn(HORIZON, 7, generator=g) for g in streams])


@torch.no_grad()
def sample(network: Network, seen: dict[str, Tensor], draw: NoiseSource, steps: int = 3) -> Tensor:
    solver = (*network.solvers, "")[0]
    return network.sample(network.encode(seen), draw, steps, solver).actions


def test_every_architecture_of_its_own_is_tested() -> None:
    assert {*CARDS, "trunk"} == set(ARCHITECTURES)


def test_a_unet_goes_with_gaussian_paths_only() -> None:
    card = replace(CARDS["dp3"], head={"kind": "regression"})
    given = NetworkSpec(KEYPOINTS, WORDS, NormStats(*[(0.0,) * 7] * 4), HORIZON, {})
    with pytest.raises(UsageError, match=r'head.kind: a U-Net goes with "gaussian_path", not "reg'):
        build_network(card, given)
    card = replace(CARDS["dp3"], head={**HEAD, "pth": "vp"})
    with pytest.raises(UsageError, match=r'head.pth: unknown key; did you mean "path"'):
        build_network(card, given)


@EACH
def test_new_weights_depend_on_the_generator_alone(name: str) -> None:
    first, same, other = (made(name, seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[key], same[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)


@EACH
def test_permuting_the_batch_permutes_the_samples(name: str) -> None:
    network, seen, order = made(name), batch(), torch.tensor([2, 0, 3, 1])
    plain, draw = sample(network, seen, noise(5)), noise(5)
    mixed = sample(network, {k: x[order] for k, x in seen.items()}, lambda: draw()[order])
    torch.testing.assert_close(mixed, plain[order], atol=1e-4, rtol=1e-4)


@EACH
def test_the_same_noise_gives_the_same_sample(name: str) -> None:
    network, seen = made(name), batch()
    first = sample(network, seen, noise(5))
    assert first.shape == (ROWS, HORIZON, 7)
    assert torch.equal(first, sample(network, seen, noise(5)))
    assert torch.equal(first, sample(network, seen, noise(6))) is (name == "act")


@EACH
def test_evaluations_are_counted(name: str) -> None:
    network = made(name)
    encoded, solver = network.encode(batch()), (*network.solvers, "")[0]
    for steps in (3, 5):
        found = network.sample(encoded, noise(1), steps, solver).evaluations
        assert found == (1 if name == "act" else steps)
    assert network.steps == {"diffusion_policy": 100, "dp3": 10, "act": 0}[name]


@EACH
def test_the_loss_is_a_function_of_its_generator(name: str) -> None:
    network, seen = made(name), batch()
    losses = [network.loss(seen, seeded(s), 2).item() for s in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


@EACH
def test_steps_that_do_not_count_and_padding_change_nothing(name: str) -> None:
    network, seen = made(name), batch()
    seen["valid"][1, 5:] = False
    other = {key: x.clone() for key, x in seen.items()}
    other["actions"][1, 5:] = 0.3
    other["prompt_tokens"][-1, 3:] = 2
    if name == "act":
        losses = [network.loss(x, seeded(1), 2).item() for x in (seen, other)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert torch.equal(sample(network, seen, noise(5)), sample(network, other, noise(5)))


@pytest.mark.parametrize(
    "name", ["act", pytest.param("diffusion_policy", marks=pytest.mark.slow), "dp3"]
)
def test_each_learns_one_batch_by_heart(name: str) -> None:
    network, seen = made(name), batch()
    lr = {"act": 1e-3, "diffusion_policy": 2e-3, "dp3": 3e-3}[name]
    optimizer = torch.optim.AdamW(network.parameters(), lr=lr, weight_decay=0.0)
    for step in range(300 if name == "diffusion_policy" else 100):
        optimizer.zero_grad()
        network.loss(seen, seeded(step), 8).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    wanted = network.norm_stats.normalise(seen["actions"])
    error = network.norm_stats.normalise(sample(network, seen, noise(9), 20)) - wanted
    assert error.square().mean() < 0.3**2 * wanted.square().mean()


@EACH
def test_what_is_seen_felt_and_asked_matters(name: str) -> None:
    network, seen = made(name), batch()
    first, looks = sample(network, seen, noise(5)), "points" if name == "dp3" else "features"
    for key in (looks, "proprio", "prompt_tokens"):
        changed = {**seen, key: seen[key].flip(0)}
        assert not torch.equal(first, sample(network, changed, noise(5))), key


def test_a_pointnet_knows_no_order_and_takes_any_number_of_points() -> None:
    net, points = PointNet(), torch.rand(2, 30, 6, generator=seeded(0))
    mixed = points[:, torch.randperm(30, generator=seeded(1))]
    torch.testing.assert_close(net(points), net(mixed), atol=1e-6, rtol=1e-6)
    assert net(points[:, :11]).shape == (2, 64)


def test_a_unet_is_told_by_its_condition_and_its_time() -> None:
    net, generator = UNet(7, 5, (8, 16, 16), groups=4), seeded(0)
    initialise(net, generator)
    x, told = (torch.randn(2, *shape, generator=generator) for shape in ((16, 7), (5,)))
    time = torch.full((2,), 0.3)
    plain = net(x, time, told)
    assert plain.shape == (2, 16, 7)
    assert not torch.equal(plain, net(x, time + 0.1, told))
    assert not torch.equal(plain, net(x, time, told + 0.1))


def test_the_embedded_level_is_0_at_the_last_level_and_99_at_noise() -> None:
    found = diffusion_step_embedding(torch.tensor([0.99, 0.0]), 8)
    torch.testing.assert_close(found[0, :4], torch.zeros(4), atol=1e-4, rtol=0)
    assert found[1, 0] == pytest.approx(torch.tensor(99.0).sin().item(), abs=1e-4)


def test_act_pays_for_styles_and_does_without_them_when_it_acts() -> None:
    network = made("act")
    assert isinstance(network, ActNetwork)
    torch.nn.init.zeros_(network.vae_encoder.out.weight)
    free = network.loss(batch(), seeded(0), 1).item()
    torch.nn.init.constant_(network.vae_encoder.out.bias[:32], 1.0)
    told = network.loss(batch(), seeded(0), 1).item()
    assert told - free == pytest.approx(10 * 0.5 * 32, abs=3)
    plain = sample(network, batch(), noise(0))
    torch.nn.init.normal_(network.vae_encoder.out.weight)
    assert torch.equal(plain, sample(network, batch(), noise(0)))


def test_dp3_predicts_data_and_diffusion_policy_noise() -> None:
    networks = made("dp3"), made("diffusion_policy")
    for network, target in zip(networks, ("data", "noise"), strict=True):
        assert isinstance(network, ConditionedUNet)
        assert network.path.options.target == target
        assert set(network.solvers) >= {"ddpm", "ddim", "dpm"}


@pytest.mark.parametrize("name", [*CARDS, "pi0"])
def test_a_card_chooses_whether_the_hands_lag_is_felt(name: str) -> None:
    card = CARDS.get(name) or read(folder("policies") / name)
    scale = NormStats((0.0,) * 7, (0.5,) * 7, (-1.0,) * 7, (1.0,) * 7)
    given = batch()
    still = {**given, "proprio": given["proprio"].clone()}
    still["proprio"][:, 10:] = 0
    for lag in (True, False):
        spec = NetworkSpec(KEYPOINTS, WORDS, scale, HORIZON, {}, motion=False, lag=lag)
        network = build_network(card, spec).initialise(seeded(0)).eval()
        with torch.inference_mode():
            losses = [network.loss(each, seeded(3), 1) for each in (given, still)]
        assert torch.equal(*losses) is not lag
