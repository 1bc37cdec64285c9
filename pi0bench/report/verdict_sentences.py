"""Verdicts in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pi0bench.report.competing_policies import tagged
from pi0bench.report.enough_steps import MARGIN, Against, Verdict
from pi0bench.report.number_format import percent, points
from pi0bench.report.statistical_methods import FIXED, Analysis
from pi0bench.stats.paired_tests import Paired

_POINTS = f"{100 * MARGIN:.0f} points"


def rule(kind: Analysis) -> str:
    """Say when steps are called enough, and when more of them hurt."""
    return (
        "Enough are the fewest steps that are shown not to be worse than the policy's best by more "
        f"than {_POINTS}: the 95 % interval of the difference, on the same episodes with the same "
        f"noise ({kind.differences}), lies above -{_POINTS}. More steps hurt where the interval "
        f"of more less fewer lies below 0 and the {kind.test} p below 0.05. Each "
        "interval keeps its 95 % by itself, not all together."
    )


def sentences(verdicts: Sequence[Verdict], kind: Analysis = FIXED) -> list[str]:
    """Return what is to be said of each verdict: what is enough, then what hurts."""
    lines_of = Counter((v.policy, v.world, v.timing) for v in verdicts)
    several_worlds = len({v.world for v in verdicts}) > 1
    said = []
    for verdict in verdicts:
        name = tagged(verdict.policy, verdict.role)
        if verdict.timing:
            name += f" at {verdict.timing}"
        if lines_of[verdict.policy, verdict.world, verdict.timing] > 1:
            name += f" with {verdict.solver}"
        if several_worlds:
            name += f" in {' / '.join(verdict.world)}"
        hurts = [hurt(against, kind) for against in verdict.hurt]
        said += [f"{name}: {text}" for text in (enough(verdict), *hurts)]
    return said


def enough(verdict: Verdict) -> str:
    """Say how few steps are enough, or that it is not resolved."""
    if not verdict.n:
        return "not resolved: no episode was measured at every step count."
    fewest = verdict.enough
    best = f"{steps(verdict.best)}, {percent(verdict.best_rate)}"
    unclear = [a for a in verdict.fewer if not (a.far or a.close)]
    if fewest is None:
        return (
            f"not resolved at n = {verdict.n}: {_are(unclear[0].steps)} "
            f"{difference(unclear[0].result)} from its best ({best})."
        )
    if not verdict.fewer:
        rate = percent(verdict.best_rate)
        return f"{_are(fewest)} enough: no more do better ({rate}, n = {verdict.n})."
    if fewest == verdict.best:
        nearest = max(verdict.fewer, key=lambda a: a.result.difference)
        return (
            f"{_are(fewest)} needed ({percent(verdict.best_rate)}, n = {verdict.n}): all fewer are "
            f"worse by more than {_POINTS}, the nearest, {steps(nearest.steps)}, by "
            f"{difference(nearest.result)}."
        )
    chosen = next(a for a in verdict.fewer if a.steps == fewest)
    text = f"{_are(fewest)} enough: {difference(chosen.result)} from its best ({best})"
    if unclear and unclear[0].steps < fewest:
        cheaper = unclear[0]
        text += f"; {_are(cheaper.steps)} not resolved, {difference(cheaper.result)}"
    return f"{text}; n = {verdict.n}."


def hurt(against: Against, kind: Analysis) -> str:
    """Say that more steps are worse than fewer."""
    return (
        f"more steps hurt: {_are(against.steps)} {difference(against.result)} from "
        f"{steps(against.other)} ({kind.test} p = {against.result.p:.2g}, "
        f"n = {against.result.n})."
    )


def difference(result: Paired) -> str:
    """Write a difference of rates with its interval, in points."""
    return f"{100 * result.difference:+.1f} points {points(result.interval)}"


def steps(count: int) -> str:
    """Write a step count."""
    return f"{count} step{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return f"{steps(count)} {'is' if count == 1 else 'are'}"
