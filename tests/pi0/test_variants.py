"""The published sizes."""

from __future__ import annotations

import pytest
import torch

from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.variants import PI0, PI05, Variant


@pytest.mark.parametrize(
    ("variant", "parameters"), [(PI0, 3_238_048_528), (PI05, 3_353_433_872)], ids=["pi0", "pi05"]
)
def test_the_layers_add_up_to_the_published_size(variant: Variant, parameters: int) -> None:
    with torch.device("meta"):
        network = Pi0Network(variant)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
