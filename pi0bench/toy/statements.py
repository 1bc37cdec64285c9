"""What the toy is to show, in sentences that say whether the numbers do show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pi0bench.report.number_format import percent, percents
from pi0bench.toy.measure import Mean, Measured, Share
from pi0bench.toy.recipes import Key

POOR, GOOD = 0.2, 0.8


@dataclass(frozen=True)
class Statement:
    """A sentence, whether it holds, and what that rests on."""

    says: str
    holds: bool
    measured: str

    def __str__(self) -> str:
        """All of it, on one line."""
        return f"{self.says}: {'supported' if self.holds else 'not supported'}. {self.measured}"


def statements(found: Mapping[Key, Measured], bends: Mapping[str, Mean]) -> list[Statement]:
    """Judge what was measured, by way and steps, and the straightness of each way's equation."""
    flow, rectified = found["flow", 1].succeeded, found["rectified flow", 1].succeeded
    span = found["self-consistent", 1].succeeded
    regression, mip = found["regression", 0], found["MIP", 0]
    many = found["flow", 10].succeeded
    one, other = bends["rectified flow"], bends["flow"]
    return [
        Statement(
            "One step of plain flow is poor",
            flow.interval.high < POOR,
            f"{_of(flow)} reach the goal (poor: below {percent(POOR)}); {_of(many)} do "
            "with ten steps.",
        ),
        Statement(
            "One step of rectified flow is good",
            rectified.interval.low > GOOD,
            f"{_of(rectified)} reach the goal (good: above {percent(GOOD)}).",
        ),
        Statement(
            "One step of self-consistent average velocities is good",
            span.interval.low > GOOD,
            f"{_of(span)} reach the goal (good: above {percent(GOOD)}).",
        ),
        Statement(
            "Regression drives into the wall",
            regression.touched.interval.low > GOOD,
            f"{_of(regression.touched)} touch it (more than {percent(GOOD)} are asked for).",
        ),
        Statement(
            "Rectified flow is straighter than flow",
            one.interval.high < other.interval.low,
            f"Straightness {number(one)} and {number(other)}, 0 is straight.",
        ),
        Statement(
            "MIP, which knows no noise either, finds a gap",
            mip.succeeded.interval.low > GOOD,
            f"{_of(mip.succeeded)} reach the goal, {_of(mip.touched)} touch the wall.",
        ),
        *(
            _passes_at_once(name, found[name, 0])
            for name in ("energy score", "mixture of Gaussians")
        ),
    ]


def _passes_at_once(name: str, found: Measured) -> Statement:
    """Judge whether one pass is enough for a way that draws modes, where flow's is not."""
    return Statement(
        f"One pass of the {name} is good",
        found.succeeded.interval.low > GOOD,
        f"{_of(found.succeeded)} reach the goal, {_of(found.touched)} touch the wall.",
    )


def number(mean: Mean) -> str:
    """Write a mean with its interval."""
    low, high = mean.interval.low, mean.interval.high
    return f"{mean.value:.3f} [{low:.3f}, {high:.3f}]"


def rate(share: Share) -> str:
    """Write a share in per cent with its interval, a dash for none."""
    return f"{percent(share.rate)} {percents(share.interval)}" if share.n else percent(None)


def _of(share: Share) -> str:
    return f"{share.k} of {share.n}, {rate(share)},"
