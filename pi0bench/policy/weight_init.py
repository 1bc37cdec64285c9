"""New weights from one generator, for networks of any layers."""

from __future__ import annotations

from torch import Generator, nn


def initialise(module: nn.Module, generator: Generator) -> None:
    """Draw the weights of a module's linear and convolution layers and embeddings, in place.

    Weights are N(0, 1/inputs), biases 0, embeddings N(0, 1); norms keep their constants. Bare
    parameters are their owner's task.
    """
    for part in module.modules():
        match part:
            case nn.Linear() | nn.Conv1d():
                inputs = part.weight[0].numel()
            case nn.ConvTranspose1d():
                inputs = part.in_channels * part.kernel_size[0] // part.stride[0]
            case nn.Embedding():
                nn.init.normal_(part.weight, generator=generator)
                continue
            case _:
                continue
        nn.init.normal_(part.weight, std=inputs**-0.5, generator=generator)
        if part.bias is not None:
            nn.init.zeros_(part.bias)
