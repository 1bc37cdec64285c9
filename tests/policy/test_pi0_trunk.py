from __future__ import annotations

import math
from typing import cast

import pytest
import torch
from torch import Tensor

from pi0bench.policy.pi0_trunk import Expert, KVCache, Trunk, TrunkConfig
from pi0bench.policy.trunk_layers import RMSNorm
from pi0bench.policy.weight_init import initialise

TINY = TrunkConfig(3, 32, 24, 48, 40, 4, 1, 8)
GROUPED = TrunkConfig(2, 32, 24, 48, 40, 4, 2, 8)
BLOCKS = torch.tensor([0] + [1] * 16)


def build(config: TrunkConfig = TINY) -> tuple[Trunk, Tensor, Tensor, Tensor]:
    """A trunk with no zero weight, and ragged inputs: padding in the middle and at the end."""
    generator = torch.Generator().manual_seed(0)
    trunk = Trunk(config)
    initialise(trunk, generator)
    for name, parameter in trunk.named_parameters():
        if "norm" in name:
            parameter.data.normal_(std=0.3, generator=generator)
    prefix = torch.randn(3, 9, config.prefix_width, generator=generator)
    suffix = torch.randn(3, 17, config.action_width, generator=generator)
    valid = torch.ones(3, 9, dtype=torch.bool)
    valid[0, 2:5] = False
    valid[1, 6:] = False
    return trunk, prefix, suffix, valid


def run(trunk: Trunk, prefix: Tensor, suffix: Tensor, valid: Tensor) -> Tensor:
    with torch.no_grad():
        return trunk.suffix(trunk.prefix(prefix, valid), suffix, BLOCKS)[0]


def norm(x: Tensor, w: Tensor) -> Tensor:
    return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * (1 + w)


def rope(x: Tensor, position: int) -> Tensor:
    """One head's vector (D,) turned pair by pair."""
    half = len(x) // 2
    y = x.clone()
    for j in range(half):
        angle = position / 10_000 ** (j / half)
        c, s = math.cos(angle), math.sin(angle)
        y[j], y[j + half] = x[j] * c - x[j + half] * s, x[j + half] * c + x[j] * s
    return y


def naive(trunk: Trunk, prefix: Tensor, suffix: Tensor, valid: Tensor) -> tuple[Tensor, list]:
    """Both experts in one full sequence, row by row, padding *removed* rather than masked."""
    c, out, keys = trunk.config, [], []
    for row in range(len(prefix)):
        xs = [prefix[row][valid[row]], suffix[row]]
        split = len(xs[0])
        block = torch.cat([torch.full((split,), -1), BLOCKS])
        hidden = block[None, :] > block[:, None]
        for i in range(c.depth):
            layers = [trunk.prefix_expert.stack[i], trunk.action_expert.stack[i]]
            normed = [norm(xs[j], layers[j].norm_attention.weight) for j in (0, 1)]
            qkv = torch.cat([layers[j].qkv(normed[j]) for j in (0, 1)])
            heads = qkv.view(len(qkv), -1, c.head_dim).clone()
            for p in range(len(qkv)):
                for h in range(c.heads + c.kv_heads):
                    heads[p, h] = rope(heads[p, h], p)
            if row == 0:
                keys.append(heads[:split, c.heads : c.heads + c.kv_heads])
            mixed = []
            for h in range(c.heads):
                group = h // (c.heads // c.kv_heads)
                k, v = heads[:, c.heads + group], heads[:, c.heads + c.kv_heads + group]
                score = heads[:, h] @ k.T / math.sqrt(c.head_dim)
                mixed.append(score.masked_fill(hidden, -math.inf).softmax(-1) @ v)
            mixed = torch.cat(mixed, dim=-1)
            for j, part in enumerate((mixed[:split], mixed[split:])):
                e = layers[j]
                x = xs[j] + e.out(part)
                y = norm(x, e.norm_mlp.weight)
                g = e.gate(y)
                g = 0.5 * g * (1 + torch.tanh(math.sqrt(2 / math.pi) * (g + 0.044715 * g**3)))
                xs[j] = x + e.down(g * e.up(y))
        last = cast("RMSNorm", trunk.action_expert.norm)
        out.append(norm(xs[1], last.weight))
    return torch.stack(out), keys


@pytest.mark.parametrize("config", [TINY, GROUPED])
@torch.no_grad()
def test_two_cached_passes_equal_one_joint_pass(config: TrunkConfig) -> None:
    trunk, prefix, suffix, valid = build(config)
    expected, keys = naive(trunk, prefix, suffix, valid)
    kv_cache = trunk.prefix(prefix, valid)
    torch.testing.assert_close(
        trunk.suffix(kv_cache, suffix, BLOCKS)[0], expected, atol=1e-5, rtol=1e-5
    )
    for (k, _), joint in zip(kv_cache.layers, keys, strict=True):
        torch.testing.assert_close(k[0][:, valid[0]].transpose(0, 1), joint, atol=1e-5, rtol=1e-5)


def test_the_suffix_leaves_the_cache_alone() -> None:
    trunk, prefix, suffix, valid = build()
    with torch.no_grad():
        kv_cache = trunk.prefix(prefix, valid)
        before = [k.clone() for k, _ in kv_cache.layers]
        first = trunk.suffix(kv_cache, suffix, BLOCKS)[0]
        trunk.suffix(kv_cache, suffix + 1, BLOCKS)
        assert torch.equal(first, trunk.suffix(kv_cache, suffix, BLOCKS)[0])
    assert all(torch.equal(a, k) for a, (k, _) in zip(before, kv_cache.layers, strict=True))


@pytest.mark.parametrize("content", [7.0, math.nan])
def test_padding_does_not_matter(content: float) -> None:
    trunk, prefix, suffix, valid = build()
    expected = run(trunk, prefix, suffix, valid)
    filled = prefix.masked_fill(~valid[..., None], content)
    assert torch.equal(run(trunk, filled, suffix, valid), expected)
    longer = torch.cat([prefix[:, :2], torch.ones(3, 4, prefix.shape[2]), prefix[:, 2:]], dim=1)
    seen = torch.cat([valid[:, :2], torch.zeros(3, 4, dtype=torch.bool), valid[:, 2:]], dim=1)
    torch.testing.assert_close(run(trunk, longer, suffix, seen), expected, atol=1e-5, rtol=1e-5)


def test_unmasking_padding_changes_the_output() -> None:
    trunk, prefix, suffix, valid = build()
    every = torch.ones_like(valid)
    moved = (run(trunk, prefix, suffix, every) - run(trunk, prefix, suffix, valid)).abs()
    assert moved[0].max() > 1e-2
    assert moved[1].max() > 1e-2
    assert moved[2].max() == 0


def test_an_observation_without_a_valid_token_is_finite() -> None:
    trunk, prefix, suffix, valid = build()
    assert run(trunk, prefix, suffix, torch.zeros_like(valid)).isfinite().all()


def test_a_block_sees_itself_and_earlier_blocks() -> None:
    trunk, prefix, suffix, valid = build()
    before = run(trunk, prefix, suffix, valid)
    late, state, text = suffix.clone(), suffix.clone(), prefix.clone()
    late[:, 16] += 1
    state[:, 0] += 1
    text[:, 0] += 1
    moved = (run(trunk, prefix, late, valid) - before).abs().amax(-1)
    assert (moved[:, 0] == 0).all()
    assert (moved[:, 1:] > 1e-4).all()
    assert ((run(trunk, prefix, state, valid) - before).abs().amax(-1) > 1e-4).all()
    assert ((run(trunk, text, suffix, valid) - before).abs().amax(-1) > 1e-4).all()


def test_draws_that_share_a_prefix_equal_separate_passes() -> None:
    trunk, prefix, suffix, valid = build()
    with torch.no_grad():
        kv_cache = trunk.prefix(prefix, valid)
        noisy = [suffix, suffix * 2, suffix - 1]
        together = trunk.suffix(kv_cache.repeat(3), torch.stack(noisy, 1).flatten(0, 1), BLOCKS)[0]
    for i, tokens in enumerate(noisy):
        separate = run(trunk, prefix, tokens, valid)
        torch.testing.assert_close(together.unflatten(0, (3, 3))[:, i], separate)


def test_shared_prefixes_sum_their_gradients() -> None:
    trunk, prefix, suffix, valid = build()

    def gradient(draws: int) -> Tensor:
        trunk.zero_grad()
        kv_cache: KVCache = trunk.prefix(prefix, valid).repeat(draws)
        rows = suffix.repeat_interleave(draws, 0)
        trunk.suffix(kv_cache, rows, BLOCKS)[0].square().sum().backward()
        found = trunk.prefix_expert.layers[0].get_submodule("qkv").get_parameter("weight").grad
        assert found is not None
        return found.clone()

    torch.testing.assert_close(gradient(3), 3 * gradient(1), rtol=1e-4, atol=1e-4)


def test_the_published_action_expert_has_the_published_size() -> None:
    published = TrunkConfig(18, 2048, 1024, 16384, 4096, 8, 1, 256)
    with torch.device("meta"):
        trunk = Trunk(published)
    count = [sum(p.numel() for p in e.parameters()) for e in trunk.children()]
    assert all(isinstance(e, Expert) for e in trunk.children())
    assert count == [1_981_884_416, 311_464_960]


def test_a_new_network_is_a_function_of_its_seed() -> None:
    one, two = (build()[0].state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
