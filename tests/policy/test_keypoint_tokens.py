from __future__ import annotations

import torch

from pi0bench.policy.architectures.keypoint_tokens import KeypointTokens, likeliest


def test_the_likeliest_stay_in_the_order_of_all() -> None:
    features = torch.zeros(2, 5, 3)
    features[0, :, 0] = torch.tensor([0.1, 0.9, 0.0, 0.8, 0.2])
    features[1, :, 0] = torch.tensor([0.7, 0.0, 0.6, 0.0, 0.9])
    features[..., 1] = torch.arange(5)
    kept, which = likeliest(features, most=3)
    assert which.tolist() == [[1, 3, 4], [0, 2, 4]]
    assert torch.equal(kept[..., 1], which.float())
    assert torch.equal(kept[0, :, 0], torch.tensor([0.9, 0.8, 0.2]))


def test_where_there_are_no_more_all_stay() -> None:
    features = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(0))
    kept, which = likeliest(features, most=9)
    assert torch.equal(kept, features)
    assert (which == torch.arange(4)).all()


def test_a_token_says_the_words_of_its_keypoints_name() -> None:
    generator = torch.Generator().manual_seed(0)
    table = torch.nn.Embedding(5, 8)
    tokens = KeypointTokens([[2, 4], [3, 4], [4]], 8, motion=False)
    features, proprio = (
        torch.rand(1, 3, 7, generator=generator),
        torch.rand(1, 13, generator=generator),
    )
    with torch.no_grad():
        plain = tokens(features, proprio, lambda words: torch.zeros(*words.shape, 8))
        told = (tokens(features, proprio, table) - plain)[0]
    word = table.weight.detach()
    torch.testing.assert_close(told, torch.stack([word[2] + word[4], word[3] + word[4], word[4]]))
