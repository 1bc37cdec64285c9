"""The same numbers as LeRobot's own models, whose sines are of float64, from the same weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from pi0bench.pi0.checkpoint_names import sources, variant_of
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.policy.heads.head import Context

HOME = Path(__file__).parent / "golden"


class Golden:
    """A file of weights, observations, and what LeRobot made of them."""

    def __init__(self, name: str) -> None:
        path = HOME / f"{name}.safetensors"
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "inputs": {}, "outputs": {}}
        for key, x in load_file(path).items():
            kind, _, rest = key.partition("/")
            parts[kind][rest] = x
        self.inputs, self.outputs, weights = parts["inputs"], parts["outputs"], parts["weights"]
        shapes = {key: tuple(x.shape) for key, x in weights.items()}
        variant = variant_of(path, shapes, horizon=10)
        variant = replace(variant, vision=replace(variant.vision, heads=4))
        self.network = Pi0Network(variant).eval()
        found = {name: of.read(weights.__getitem__) for name, of in sources(variant).items()}
        self.network.load_state_dict(found)

    def context(self) -> Context:
        seen = self.inputs
        looks = self.network.look(seen["pictures"])
        told = (seen[name] for name in ("there", "words", "said", "state"))
        return self.network.encode(looks, *told)


@pytest.fixture(scope="module", params=["pi0", "pi05"])
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


@torch.no_grad()
def test_errors_are_the_same(golden: Golden) -> None:
    seen = golden.inputs
    at = seen["time"][:, None, None]
    x = at * seen["noise"] + (1 - at) * seen["actions"]
    found = golden.network.head.predict(golden.context(), x, 1 - seen["time"].double())
    error = (found - (seen["actions"] - seen["noise"])).abs()
    torch.testing.assert_close(error, golden.outputs["error"].sqrt(), atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, 5, 10])
def test_samples_are_the_same(golden: Golden, steps: int) -> None:
    noise, wanted = golden.inputs["noise"], golden.outputs[f"sample_{steps}"]
    context, x = golden.context(), noise
    for step in range(steps):  # LeRobot's times are of float32
        time = 1 - torch.tensor(1 - step / steps).double().expand(len(x))
        x = x + golden.network.head.predict(context, x, time) / steps
    torch.testing.assert_close(x, wanted, atol=1e-5, rtol=1e-5)
    # By the shortest period of the time embedding, 4e-3, their rounding is worth 2e-5.
    found = golden.network.sample(context, lambda: noise, steps, "euler").actions
    torch.testing.assert_close(found, wanted, atol=5e-5, rtol=0)
