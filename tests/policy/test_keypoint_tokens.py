from __future__ import annotations

import torch

from pi0bench.policy.architectures.keypoint_tokens import KeypointTokens, how_soon, likeliest
from pi0bench.policy.instruction_tokenizer import UNKNOWN


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


def test_the_sooner_a_keypoint_is_named_the_greater_its_number() -> None:
    red, green, bowl, handle = 2, 3, 4, UNKNOWN
    said = torch.tensor([[7, red, 8, bowl], [7, bowl, UNKNOWN, 0]])
    names = torch.tensor([[red, green, bowl, handle]] * 2)
    expected = torch.tensor([[0.75, 0, 0.25, 0], [0, 0, 0.75, 0]])
    torch.testing.assert_close(how_soon(names, said), expected)


def test_a_keypoint_is_named_by_its_first_word() -> None:
    tokens = KeypointTokens([2, 3], 8, motion=False)
    tokens.initialise(torch.Generator().manual_seed(0))
    seen = {"features": torch.zeros(1, 2, 7), "proprio": torch.zeros(1, 13)}
    said = {"prompt_mask": torch.tensor([[True, True, False]])}
    with torch.no_grad():
        cube, red = (
            tokens({**seen, **said, "prompt_tokens": torch.tensor([[5, word, 3]])})
            for word in (4, 2)
        )
    away = (red - cube)[0]
    assert away[1].abs().max() == 0
    torch.testing.assert_close(away[0], tokens.proj.weight[:, -1].detach() * 2 / 3)
