"""Which spans of time a network of average velocities is trained on. t = 0 is noise, t = 1 data."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

SpanLaw = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]
"""Uniform numbers in [0, 1), (B, 3), to spans: start, length and share before the middle, (B,)."""

REACH = 0.25
"""Greatest share of a span before the middle of a near one."""

LEVELS = 7
"""Lengths of halved spans: 1, 1/2, …, 1/64, whose halves are 1/128."""


def any_span(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every length equally often, from every start equally often, cut anywhere."""
    length, start, share = u.unbind(1)
    return start * (1 - length), length, share


def near_span(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Any span, cut within `REACH` of its start."""
    start, length, share = any_span(u)
    return start, length, REACH * share


def halved_span(u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Lengths that are powers of two, from multiples of them, cut in half.

    Source: Frans et al. 2024 ("shortcut models"), section 3.2.
    """
    length = 2.0 ** -(u[:, 0] * LEVELS).floor()
    start = (u[:, 1] / length).floor() * length
    return start, length, torch.full_like(start, 0.5)


def draw(law: SpanLaw, count: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw (count,) spans, on the generator's device."""
    return law(torch.rand(count, 3, generator=generator, device=generator.device))
