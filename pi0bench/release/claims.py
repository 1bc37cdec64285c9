"""What study guides say of π0 and its rivals, beside what was measured here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pi0bench.release.published_records import WORLD, Asked, Evidence, Ratio
from pi0bench.report.enough_steps import MARGIN
from pi0bench.report.number_format import in_markdown, percent, percents
from pi0bench.report.verdict_sentences import difference, steps
from pi0bench.stats.paired_tests import Paired
from pi0bench.stats.success_intervals import clopper_pearson

SUPPORTED, REFUTED, OPEN = "supported", "not supported", "not resolved"
FLOWS = ("flow", "pi0")
DIFFUSIONS = (
    *(("ddim", "ddim"), ("dpm", "dpm"), ("ddpm", "ddpm")),
    *(("sde", "ddim"), ("sde", "dpm"), ("sde", "reverse_sde")),
)
TRAININGS = ("", "/seed1")
"""What follows a policy's name in those of its trainings."""
TOKENS = ("rt1", "openvla", "fast")
STEPS, REFERENCE = 5, 10
LIMIT_MS = 20.0
WITHIN = 0.95
"""The share of re-plans that must keep the limit."""


@dataclass(frozen=True)
class Claim:
    """A sentence, whether it held here, and what that rests on."""

    says: str
    verdict: str
    measured: tuple[str, ...]


def claims(evidence: Evidence) -> list[Claim]:
    """Judge each claim; one without any measurement is not resolved."""
    judges: dict[str, Callable[[Evidence], tuple[str, list[str]]]] = {
        "Flow matching needs fewer sampler steps than diffusion.": _fewer_steps,
        "Five steps are enough.": _five_steps,
        "Five steps fit into 20 ms, for control at 50 Hz, on this machine.": _fits,
        "Flow paths are straighter than those of diffusion.": _straighter,
        "Flow trains five to ten times faster than diffusion to the same quality.": _trains_faster,
        "Continuous actions are smoother than tokens.": _smoother,
        "Zero initial noise is as good as Gaussian noise.": _zero_noise,
    }
    found = []
    for says, judge in judges.items():
        verdict, measured = judge(evidence)
        found.append(Claim(says, verdict if measured else OPEN, tuple(measured)))
    return found


def markdown(found: Sequence[Claim], notice: str = "") -> str:
    """Write the claims as a Markdown page, below the notice."""
    lines = [
        "# Claims",
        notice,
        "What study guides say of π0 and its rivals, beside what was measured here, "
        f"{' / '.join(WORLD)}, with 95 % intervals. A difference of success is on the same "
        "episodes with the same noise (Tango's score interval), in points; a ratio is a geometric "
        "mean (Student's interval of its logarithm). Worse or better by more than "
        f"{100 * MARGIN:.0f} points is what counts, and for time the share of re-plans within the "
        f"limit, which must be above {percent(WITHIN)}. One training stands behind every number, "
        "so the intervals speak of these weights, not of other seeds of training; where a policy "
        "was trained again (/seed1), both trainings are asked.",
    ]
    for claim in found:
        lines.append(f"## {claim.says}\n\n**{claim.verdict.capitalize()}.**")
        lines.append("\n".join(f"- {in_markdown(line)}" for line in claim.measured))
    return "\n\n".join(filter(None, lines)) + "\n"


def _fewer_steps(evidence: Evidence) -> tuple[str, list[str]]:
    flowing = [(policy, "euler") for policy in FLOWS]
    known = {
        pair: evidence.verdicts[pair]
        for pair in (*flowing, *DIFFUSIONS)
        if pair in evidence.verdicts
    }
    lines = []
    for (policy, _), verdict in known.items():
        few = "not resolved" if verdict.enough is None else steps(verdict.enough)
        rate = percent(verdict.best_rate)
        best = f"best {rate} with {steps(verdict.best)}"
        lines.append(f"{policy} ({verdict.solver}): enough: {few}; {best}, n = {verdict.n}.")
    flows = [known[pair].enough for pair in flowing if pair in known]
    others = [known[pair].enough for pair in DIFFUSIONS if pair in known]
    for few in (1, 2):
        for other in ("ddim", "dpm"):
            found = evidence.difference(_asked("flow", few), _asked(other, few))
            if found:
                lines.append(f"flow less {other}, {steps(few)} each: {_points(found)}.")
    if not flows or not others or any(n is None for n in flows + others):
        return OPEN, lines
    most, least = max(n or 0 for n in flows), min(n or 0 for n in others)
    return (SUPPORTED if most < least else REFUTED), lines


def _five_steps(evidence: Evidence) -> tuple[str, list[str]]:
    found = {p: evidence.difference(_asked(p, STEPS), _asked(p, REFERENCE)) for p in FLOWS}
    there = {policy: result for policy, result in found.items() if result}
    lines = [f"{p}, {STEPS} less {REFERENCE} steps: {_points(r)}." for p, r in there.items()]
    return _as_good(list(there.values())), lines


def _fits(evidence: Evidence) -> tuple[str, list[str]]:
    lines, shares = [], []
    for policy in FLOWS:
        taken = evidence.replan_ms(_asked(policy, STEPS))
        if taken:
            p50, p95 = np.percentile(taken, [50, 95])
            within = sum(ms <= LIMIT_MS for ms in taken)
            share = clopper_pearson(within, len(taken))
            shares.append(share)
            lines.append(
                f"{policy}, {STEPS} steps, eyes and prefix included: p50 {p50:.1f} ms, p95 "
                f"{p95:.1f} ms; {within} of {len(taken)} re-plans within {LIMIT_MS:.0f} ms "
                f"{percents(share)} %, one thread."
            )
    if any(share.high < WITHIN for share in shares):
        return REFUTED, lines
    return (SUPPORTED if all(share.low > WITHIN for share in shares) else OPEN), lines


def _straighter(evidence: Evidence) -> tuple[str, list[str]]:
    found = {
        (one, other): ratio
        for one in FLOWS
        for other in ("ddim", "dpm", "sde")
        if (ratio := evidence.bend(_asked(one, 1), _asked(other, 1)))
    }
    lines = [
        f"error of one step against 100, {one} over {other}: {_times(ratio)} tasks."
        for (one, other), ratio in found.items()
    ]
    return _below_one(list(found.values())), lines


def _trains_faster(evidence: Evidence) -> tuple[str, list[str]]:
    rivals = [
        Asked(policy + training, 100 if solver in ("ddpm", "reverse_sde") else 10, solver)
        for training in TRAININGS
        for policy, solver in DIFFUSIONS
    ]
    found = {
        (one, other): result
        for one in FLOWS
        for other in rivals
        if (result := evidence.difference(_asked(one + _training(other.policy), 10), other))
    }
    lines = [
        f"{one}{_training(other.policy)} with 10 steps less {other.policy} with {other.steps} "
        f"steps of {other.solver}, after equally many gradient steps: {_points(result)}."
        for (one, other), result in found.items()
    ]
    # One training budget cannot show a factor; a diffusion that is as good already denies it.
    denied = any(result.interval.high < MARGIN for result in found.values())
    return (REFUTED if denied else OPEN), lines


def _smoother(evidence: Evidence) -> tuple[str, list[str]]:
    found = {
        (one + training, other + training): ratio
        for training in TRAININGS
        for one in FLOWS
        for other in TOKENS
        if (ratio := evidence.jerk(_asked(one + training, REFERENCE), Asked(other + training)))
    }
    lines = [
        f"jerk where both succeed, {one} over {other}: {_times(ratio)} episodes."
        for (one, other), ratio in found.items()
    ]
    return _below_one(list(found.values())), lines


def _training(policy: str) -> str:
    """Which of its trainings a policy is."""
    return policy[policy.find("/") :] if "/" in policy else ""


def _zero_noise(evidence: Evidence) -> tuple[str, list[str]]:
    found = evidence.difference(_asked("pi0_zero", 10), _asked("pi0", 10))
    if not found:
        return OPEN, []
    return _as_good([found]), [f"pi0 from zeros less pi0 from noise, 10 steps: {_points(found)}."]


def _as_good(results: Sequence[Paired]) -> str:
    """Not worse by more than the margin, all of them, or one that is."""
    if any(result.interval.high < -MARGIN for result in results):
        return REFUTED
    return SUPPORTED if all(result.interval.low > -MARGIN for result in results) else OPEN


def _below_one(ratios: Sequence[Ratio]) -> str:
    if any(ratio.interval.low > 1 for ratio in ratios):
        return REFUTED
    return SUPPORTED if all(ratio.interval.high < 1 for ratio in ratios) else OPEN


def _points(result: Paired) -> str:
    return f"{difference(result)} (n = {result.n}, exact McNemar p = {result.p:.2g})"


def _times(ratio: Ratio) -> str:
    low, high = ratio.interval.low, ratio.interval.high
    return f"{ratio.value:.2f} [{low:.2f}, {high:.2f}], n = {ratio.n}"


def _asked(policy: str, steps: int) -> Asked:
    """A policy at a step count, with the solver that it is first named with."""
    known = dict(reversed(DIFFUSIONS))
    return Asked(policy, steps, known.get(policy, "euler"))
