"""A published checkpoint's file: what model it is of, and its weights, mapped into memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pi0bench.errors import UsageError
from pi0bench.pi0.checkpoint_names import (
    EMBEDDING,
    UNUSED,
    Shapes,
    published_shapes,
    sources,
    variant_of,
)
from pi0bench.pi0.pi0_network import Pi0Network
from pi0bench.pi0.variants import Variant

LEROBOT = "model."
"""Before every name of LeRobot's layout."""
OLD_STATISTICS = ("normalize_inputs.", "normalize_targets.", "unnormalize_outputs.")


@dataclass(frozen=True)
class CheckpointFile:
    """A safetensors file of which only the names and shapes have been read.

    Attributes:
        path: of the file.
        names: of its tensors, by openpi's names.
        shapes: by openpi's names.
    """

    path: Path
    names: Mapping[str, str]
    shapes: Shapes

    @staticmethod
    def of(path: Path) -> CheckpointFile:
        """Read its head.

        Raises:
            UsageError: it is missing, truncated or no safetensors file.
        """
        try:
            with safe_open(path, framework="pt") as file:
                names = {name.removeprefix(LEROBOT): name for name in file.keys()}  # noqa: SIM118
                if EMBEDDING not in names and UNUSED[0] in names:
                    names[EMBEDDING] = names[UNUSED[0]]  # of a tied pair either may be missing
                shapes = {
                    own: tuple(file.get_slice(name).get_shape()) for own, name in names.items()
                }
        except FileNotFoundError:
            raise UsageError(f"{path}: no such file") from None
        except (SafetensorError, OSError) as error:
            raise UsageError(f"{path}: no intact safetensors file: {error}") from None
        return CheckpointFile(path, names, shapes)

    @property
    def statistics(self) -> list[str]:
        """Names of the statistics that LeRobot kept beside the weights before its version 0.4."""
        return [name for name in self.names if name.startswith(OLD_STATISTICS)]

    def tensor(self, name: str) -> Tensor:
        """One tensor, by openpi's name."""
        with safe_open(self.path, framework="pt") as file:
            return file.get_tensor(self.names[name])

    def variant(self, horizon: int) -> Variant:
        """The model that it is of, whose chunks have so many steps.

        Raises:
            UsageError: a tensor is missing, left over or of another shape.
        """
        variant = variant_of(self.path, self.shapes, horizon)
        needed = published_shapes(variant)
        problems = [f"{name} is missing" for name in sorted(needed.keys() - self.shapes.keys())]
        others = sorted(self.shapes.keys() - needed.keys() - {*UNUSED, *self.statistics})
        problems += [f"{name} is left over" for name in others]
        for name in sorted(needed.keys() & self.shapes.keys()):
            if self.shapes[name] != needed[name]:
                problems.append(f"{name} has shape {self.shapes[name]}, not {needed[name]}")
        if problems:
            more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
            raise UsageError(f"{self.path}: no π0: {'; '.join(problems[:3])}{more}")
        return variant

    def load(self, variant: Variant, device: str, dtype: torch.dtype) -> Pi0Network:
        """The network with these weights.

        Those of the wanted type stay in the file, mapped into memory, unless several become one
        here or the device is another.
        """
        tensors: dict[str, Tensor] = {}
        with safe_open(self.path, framework="pt") as file:
            for name, source in sources(variant).items():
                whole = source.read(lambda own: file.get_tensor(self.names[own]))
                tensors[name] = whole.to(device, dtype)
        with torch.device("meta"):  # without memory for weights that are replaced
            network = Pi0Network(variant)
        network.load_state_dict(tensors, assign=True)
        return network.eval().requires_grad_(False)
