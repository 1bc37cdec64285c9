"""What an average velocity is to be, by several papers, from a network that is being trained.

u(x, t, r) is the average velocity from x at t to where dx/dt = v(x, t) leads at r >= t, so that
x_r = x + (r - t) u(x, t, r), and u(x, t, t) = v(x, t). t = 0 is noise, t = 1 data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pi0bench.policy.heads.span_sampling import SpanLaw, any_span, halved_span, near_span

AverageVelocity = Callable[[Tensor, Tensor, Tensor], Tensor]
"""u of x (B, H, A) from times (B,) to times (B,), shaped like x."""


@dataclass(frozen=True)
class Spans:
    """Spans of time from points on straight lines between noise and data.

    Attributes:
        x: the points where they start, (B, H, A).
        velocity: data minus noise, (B, H, A); given x its mean is v(x, t).
        start: t, (B,).
        length: r - t, (B,).
        share: of the span that lies before its middle, a time m within it, (B,).
    """

    x: Tensor
    velocity: Tensor
    start: Tensor
    length: Tensor
    share: Tensor

    @property
    def end(self) -> Tensor:
        """R, (B,)."""
        return self.start + self.length

    @property
    def middle(self) -> Tensor:
        """M, (B,)."""
        return self.start + self.share * self.length


@dataclass(frozen=True)
class SpanTarget:
    """A way to learn average velocities.

    Attributes:
        law: which spans are learned from.
        wanted: what u is to be there, shaped like x, for a network whose gradient is not asked
            for.
        evaluations: of the network that this takes for each span, beside the one that is
            trained. A Jacobian-vector product counts as two: it carries a tangent along.
        differentiates: with respect to time, so that no embedding of time may be steep.
    """

    law: SpanLaw
    wanted: Callable[[AverageVelocity, Spans], Tensor]
    evaluations: int
    differentiates: bool = False


def _composed(u: AverageVelocity, spans: Spans) -> Tensor:
    """Both parts of the span one after the other, each weighted by its length.

    Sources: Frans et al. 2024 ("shortcut models"), eq. 5, with halves; Boffi et al. 2025
    (progressive self-distillation) with any parts, whose weights in the code of Pan et al. 2025
    ("Much Ado About Noising") are the wrong way round. Here no moving average of the weights makes
    the target, and nothing is clipped.
    """
    share, before = _wide(spans.share), _wide(spans.share * spans.length)
    first = u(spans.x, spans.start, spans.middle)
    second = u(spans.x + before * first, spans.middle, spans.end)
    return share * first + (1 - share) * second


def _one_step_flow(u: AverageVelocity, spans: Spans) -> Tensor:
    """The first part on the straight line, the second by the network.

    It is biased by the square of the first part's length, since a line is not where v leads.
    Source: OFP (arXiv 2603.12480), without its guidance and warm start; its middle comes nearer to
    the start as training goes on, ours is always within `REACH`.
    """
    share, before = _wide(spans.share), _wide(spans.share * spans.length)
    second = u(spans.x + before * spans.velocity, spans.middle, spans.end)
    return share * spans.velocity + (1 - share) * second


def _mean_flow(u: AverageVelocity, spans: Spans) -> Tensor:
    """V + (r - t) du/dt along the line: unbiased, as the derivative is linear in the velocity.

    Source: Geng et al. 2025 ("mean flows"), eq. 11.
    """
    return spans.velocity + _wide(spans.length) * _slope(u, spans, spans.velocity)


def _improved_mean_flow(u: AverageVelocity, spans: Spans) -> Tensor:
    """V + (r - t) du/dt along the network's own v: of less variance.

    Source: Geng et al. 2025 ("improved mean flows"), whose loss has this gradient. They give v a
    head of its own, here it is u(x, t, t).
    """
    own = u(spans.x, spans.start, spans.start)
    return spans.velocity + _wide(spans.length) * _slope(u, spans, own)


def _slope(u: AverageVelocity, spans: Spans, velocity: Tensor) -> Tensor:
    """Derivative of u with respect to t while x moves with a velocity and r stays."""
    end = spans.end
    return torch.func.jvp(
        lambda x, start: u(x, start, end),
        (spans.x, spans.start),
        (velocity, torch.ones_like(spans.start)),
    )[1]


def _wide(x: Tensor) -> Tensor:
    """A number a row (B,), for chunks (B, H, A)."""
    return x[:, None, None]


SPAN_TARGETS: dict[str, SpanTarget] = {
    "self_consistent": SpanTarget(any_span, _composed, evaluations=2),
    "ofp": SpanTarget(near_span, _one_step_flow, evaluations=1),
    "shortcut": SpanTarget(halved_span, _composed, evaluations=2),
    "mean_flow": SpanTarget(any_span, _mean_flow, evaluations=2, differentiates=True),
    "improved_mean_flow": SpanTarget(
        any_span, _improved_mean_flow, evaluations=3, differentiates=True
    ),
}
