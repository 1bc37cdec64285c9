from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pi0bench.policies.heads.flow import FlowHead, embed_time
from torch import Tensor, nn

from pi0bench.errors import UsageError
from pi0bench.policies.heads import HEADS, build_head
from pi0bench.policies.heads.paths import TIME_LAWS, LinearPath, draw_times
from pi0bench.policies.heads.samplers import SAMPLERS
from pi0bench.policies.trunk import PrefixCache, Trunk, TrunkConfig, initialise

torch.set_num_threads(1)
TINY = TrunkConfig(2, 32, 32, 64, 64, 4, 1, 8)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def build(rows: int = 4) -> tuple[Trunk, FlowHead, PrefixCache, Tensor, Tensor]:
    """A tiny policy and, for `rows` observations, cache, state tokens and actions."""
    trunk, head = Trunk(TINY), FlowHead(7, TINY.action_width)
    initialise(nn.ModuleList([trunk, head]), seeded(0))
    data = seeded(1)
    cache = trunk.prefix(torch.randn(rows, 6, 32, generator=data), torch.ones(rows, 6).bool())
    state = torch.randn(rows, 32, generator=data)
    return trunk, head, cache, state, torch.randn(rows, 16, 7, generator=data)


def test_the_linear_path_runs_from_noise_to_data_at_its_velocity() -> None:
    noise, data = torch.randn(2, 5, 3, 2, generator=seeded(0)).double()
    path, time = LinearPath(), torch.linspace(0.1, 0.9, 5).double()
    assert torch.equal(path.at(noise, data, torch.zeros(5)).x, noise)
    assert torch.equal(path.at(noise, data, torch.ones(5)).x, data)
    slope = (path.at(noise, data, time + 1e-4).x - path.at(noise, data, time - 1e-4).x) / 2e-4
    torch.testing.assert_close(slope, path.at(noise, data, time).velocity)


def test_time_laws_match_their_closed_forms() -> None:
    n = 200_000
    uniform = draw_times(TIME_LAWS["uniform"], n, seeded(0))
    beta = (1 - draw_times(TIME_LAWS["pi0"], n, seeded(0)) - 0.001) / 0.999
    assert uniform.mean() == pytest.approx(1 / 2, abs=0.003)
    assert uniform.var() == pytest.approx(1 / 12, abs=0.001)
    assert beta.mean() == pytest.approx(0.6, abs=0.003)
    assert beta.var() == pytest.approx(1.5 / (2.5**2 * 3.5), abs=0.001)
    assert (beta < 0.25).double().mean() == pytest.approx(0.25**1.5, abs=0.003)


@pytest.mark.parametrize("name", TIME_LAWS)
def test_every_time_law_stays_in_range_and_follows_its_generator(name: str) -> None:
    law = TIME_LAWS[name]
    ends = law(torch.tensor([0.0, 1 - 2**-24]))
    assert ends.min() >= 0
    assert ends.max() < 1
    assert torch.equal(draw_times(law, 9, seeded(3)), draw_times(law, 9, seeded(3)))
    assert not torch.equal(draw_times(law, 9, seeded(3)), draw_times(law, 9, seeded(4)))


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_has_the_order_it_declares(name: str) -> None:
    # Data N(0, sigma²): the exact velocity carries x₀ to sigma x₀.
    sigma, noise = 0.5, torch.linspace(-2, 2, 9, dtype=torch.float64)[:, None]

    def velocity(x: Tensor, time: Tensor) -> Tensor:
        t = time[:, None]
        return x * (sigma**2 * t - (1 - t)) / ((1 - t) ** 2 + sigma**2 * t**2)

    steps = np.array([40, 80, 160, 320])
    errors = [(SAMPLERS[name](velocity, noise, n) - sigma * noise).abs().max() for n in steps]
    slope = np.polyfit(np.log(1 / steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(SAMPLERS[name].order, abs=0.05)
    with pytest.raises(UsageError, match="steps"):
        SAMPLERS[name](velocity, noise, 0)


def test_the_time_embedding_is_the_published_one() -> None:
    time = torch.tensor([0.0, 0.3, 0.999])
    found = embed_time(time, 8)
    for row, s in enumerate(1 - time.double()):
        for j in range(4):
            angle = 2 * math.pi * float(s) / (4e-3 * 1000 ** (j / 3))
            assert found[row, j] == pytest.approx(math.sin(angle), abs=1e-9)
            assert found[row, j + 4] == pytest.approx(math.cos(angle), abs=1e-9)


@torch.no_grad()
def test_flipping_the_time_changes_the_velocity() -> None:
    trunk, head, cache, state, x = build()
    time = torch.full((4,), 0.2)
    forward = head.velocity(trunk, cache, state, x, time)
    assert (forward - head.velocity(trunk, cache, state, x, 1 - time)).abs().max() > 1e-2


@torch.no_grad()
def test_sampling_counts_and_repeats_itself() -> None:
    trunk, head, cache, state, noise = build()
    for steps in (1, 2, 10):
        trunk.evaluations = 0
        first = head.sample(trunk, cache, state, noise, steps)
        assert trunk.evaluations == steps
        assert torch.equal(first, head.sample(trunk, cache, state, noise, steps))
        assert (first - head.sample(trunk, cache, state, noise + 1, steps)).abs().min() > 0


@torch.no_grad()
def test_permuting_the_batch_permutes_the_samples() -> None:
    trunk, head, _, state, noise = build()
    prefix, valid = torch.randn(4, 6, 32, generator=seeded(5)), torch.ones(4, 6).bool()
    valid[1, 3:] = False
    p = torch.tensor([2, 0, 3, 1])
    plain = head.sample(trunk, trunk.prefix(prefix, valid), state, noise, 3)
    mixed = head.sample(trunk, trunk.prefix(prefix[p], valid[p]), state[p], noise[p], 3)
    torch.testing.assert_close(mixed, plain[p], atol=1e-5, rtol=1e-5)


def test_one_euler_step_is_the_noise_plus_the_first_velocity() -> None:
    trunk, head, cache, state, noise = build()
    step = noise + head.velocity(trunk, cache, state, noise, torch.zeros(4))
    assert torch.equal(head.sample(trunk, cache, state, noise, 1), step)


def test_the_loss_is_the_masked_mean_over_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    trunk, head, cache, state, actions = build()
    valid = torch.ones(4, 16, dtype=torch.bool)
    valid[0, 5:] = False
    valid[3] = False
    seen: list[tuple[Tensor, Tensor, Tensor]] = []
    velocity = head.velocity

    def spy(trunk: Trunk, cache: PrefixCache, state: Tensor, x: Tensor, time: Tensor) -> Tensor:
        guess = velocity(trunk, cache, state, x, time)
        guess.retain_grad()
        seen.append((guess, x, time))
        return guess

    monkeypatch.setattr(head, "velocity", spy)
    loss = head.loss(trunk, cache, state, actions, valid, seeded(2), draws=3)
    loss.backward()
    [(guess, x, time)] = seen
    mask, data = valid.repeat_interleave(3, 0), actions.repeat_interleave(3, 0)
    target = (data - x) / (1 - time[:, None, None])  # from x = (1 - t) noise + t data
    expected = (guess - target)[mask].square().mean()
    torch.testing.assert_close(loss, expected, rtol=1e-3, atol=1e-4)
    assert guess.grad is not None
    assert (guess.grad[~mask] == 0).all()
    assert (guess.grad[mask] != 0).all()
    assert len(time.unique()) == 12
    assert trunk.evaluations == 1


def test_a_batch_without_a_valid_step_has_no_loss() -> None:
    trunk, head, cache, state, actions = build()
    nothing = torch.zeros(4, 16, dtype=torch.bool)
    assert head.loss(trunk, cache, state, actions, nothing, seeded(2)) == 0


def test_the_head_can_learn_one_batch_by_heart() -> None:
    trunk, head, _, state, actions = build()
    prefix, seen = torch.randn(4, 6, 32, generator=seeded(5)), torch.ones(4, 6).bool()
    everything = torch.ones(4, 16, dtype=torch.bool)
    optimizer = torch.optim.AdamW([*trunk.parameters(), *head.parameters()], lr=3e-3)
    losses = []
    for step in range(350):
        cache = trunk.prefix(prefix, seen)
        loss = head.loss(trunk, cache, state, actions, everything, seeded(step), draws=8)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-20:]) / 20 < losses[0] / 10
    with torch.no_grad():
        noise = torch.randn(4, 16, 7, generator=seeded(9))
        sample = head.sample(trunk, trunk.prefix(prefix, seen), state, noise, 10)
    assert (sample - actions).square().mean() < 0.1 * actions.square().mean()


@pytest.mark.parametrize("kind", HEADS)
def test_every_head_is_built_from_its_name(kind: str) -> None:
    assert isinstance(build_head({"kind": kind}, 7, 32), HEADS[kind])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kind": "flwo"}, 'head.kind: no head "flwo"; did you mean "flow"?'),
        ({}, 'head.kind: no head "None"; known: flow'),
        ({"kind": "flow", "time_lwa": 1}, 'no option "time_lwa"; did you mean "time_law"?'),
        ({"kind": "flow", "time_law": "pi"}, 'head.time_law: no time law "pi"'),
        ({"kind": "flow", "sampler": "heun"}, 'head.sampler: no sampler "heun"'),
    ],
)
def test_a_wrong_head_says_what_would_work(config: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as error:
        build_head(config, 7, 32)
    assert message in str(error.value)
