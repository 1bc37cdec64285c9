"""What a way to learn average velocities is, apart from its network: a card's `[head]`."""

from __future__ import annotations

from dataclasses import dataclass

from pi0bench.errors import UsageError, unknown
from pi0bench.policy.heads.span_targets import SPAN_TARGETS, SpanTarget


@dataclass(frozen=True)
class SpanOptions:
    """What is learned of spans, of how many, and in how many steps samples are made.

    Attributes:
        target: a name in `SPAN_TARGETS`.
        share: of the rows of a batch that are spans; the others are plain flow matching, r = t.
        adaptive_power: p, by which a row's squared error e counts 1 / (e + 1e-3)^p times; 0 for
            all alike.
        steps: of the sampler, unless told otherwise.

    Raises:
        UsageError: the target is unknown, or a number is out of range.
    """

    target: str = "self_consistent"
    share: float = 0.5
    adaptive_power: float = 0.0
    steps: int = 1

    def __post_init__(self) -> None:
        if self.target not in SPAN_TARGETS:
            raise UsageError(f"head.target: {unknown('target', self.target, SPAN_TARGETS)}")
        if not 0 < self.share < 1:
            raise UsageError(
                f"head.share: {self.share} is not between 0 and 1, such as 0.5: spans are learned "
                "from, and so is plain flow, from which they follow"
            )
        if not 0 <= self.adaptive_power <= 1:
            raise UsageError(f"head.adaptive_power: {self.adaptive_power} is not from 0 to 1")
        if self.steps < 1:
            raise UsageError(f"head.steps: {self.steps} is not a number of sampler steps from 1")

    @property
    def rule(self) -> SpanTarget:
        """What average velocities are to be."""
        return SPAN_TARGETS[self.target]
