"""The kinds of judgement on what study guides say; the sentences are in results/claims.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pi0bench.errors import UsageError, unknown
from pi0bench.files.durable import storage
from pi0bench.release.published_records import WORLD, Asked, Evidence, Ratio
from pi0bench.report.enough_steps import MARGIN
from pi0bench.report.number_format import in_markdown, percent, percents
from pi0bench.report.verdict_sentences import difference, steps
from pi0bench.stats.paired_tests import Paired
from pi0bench.stats.success_intervals import clopper_pearson

SUPPORTED, REFUTED, OPEN = "supported", "not supported", "not resolved"
FILE = "claims.toml"
WITHIN = 0.95
"""The share of re-plans that must keep the limit."""

Question = Mapping[str, Any]
"""A sentence, the kind of its judgement, and what that asks for."""
T = TypeVar("T")


@dataclass(frozen=True)
class Claim:
    """A sentence, whether it held here, and what that rests on."""

    says: str
    verdict: str
    measured: tuple[str, ...]


def questions(path: Path) -> list[Question]:
    """Read the sentences of a file.

    Raises:
        UsageError: it is no TOML, or asks for a judgement that there is not.
    """
    with storage(path):
        text = path.read_text("utf-8")
    try:
        found = tomllib.loads(text)["claim"]
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise UsageError(f"{path}: {error}; a file of [[claim]] tables is wanted") from None
    for one in found:
        if one["judge"] not in JUDGES:
            raise UsageError(f"{path}: {unknown('judge', one['judge'], JUDGES)}")
    return found


def claims(evidence: Evidence, asked: Sequence[Question]) -> list[Claim]:
    """Judge each claim; one without any measurement is not resolved."""
    found = []
    for one in asked:
        verdict, measured = JUDGES[one["judge"]](evidence, one)
        found.append(Claim(one["says"], verdict if measured else OPEN, tuple(measured)))
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


def _fewer_steps(evidence: Evidence, of: Question) -> tuple[str, list[str]]:
    """Whether each of `curves` has enough with fewer steps than any of `than`."""
    known = {
        curve: evidence.verdicts[policy, solver]
        for curve in (*of["curves"], *of["than"])
        for policy, _, solver in [curve.partition(":")]
        if (policy, solver) in evidence.verdicts
    }
    lines = []
    for verdict in known.values():
        few = "not resolved" if verdict.enough is None else steps(verdict.enough)
        best = f"best {percent(verdict.best_rate)} with {steps(verdict.best)}"
        who = f"{verdict.policy} ({verdict.solver})"
        lines.append(f"{who}: enough: {few}; {best}, n = {verdict.n}.")
    lines += [f"{said}: {_points(found)}." for said, found in _beside(of, evidence.difference)]
    curves, than = ([known[c].enough for c in of[k] if c in known] for k in ("curves", "than"))
    if not curves or not than or None in (*curves, *than):
        return OPEN, lines
    most, least = max(n or 0 for n in curves), min(n or 0 for n in than)
    return (SUPPORTED if most < least else REFUTED), lines


def _as_good(evidence: Evidence, of: Question) -> tuple[str, list[str]]:
    """Whether each first is not worse by more than the margin; one that is refutes."""
    found = [*_beside(of, evidence.difference)]
    lines = [f"{said}: {_points(result)}." for said, result in found]
    if any(result.interval.high < -MARGIN for _, result in found):
        return REFUTED, lines
    return (SUPPORTED if all(r.interval.low > -MARGIN for _, r in found) else OPEN), lines


def _better_by_far(evidence: Evidence, of: Question) -> tuple[str, list[str]]:
    """Whether a second is as good, which denies it; nothing here can show it."""
    found = [*_beside(of, evidence.difference)]
    denied = any(result.interval.high < MARGIN for _, result in found)
    lines = [f"{said}: {_points(result)}." for said, result in found]
    return (REFUTED if denied else OPEN), lines


def _smaller(evidence: Evidence, of: Question) -> tuple[str, list[str]]:
    """Whether the `measure` of each first is below that of each second; one above refutes."""
    measures = {"bend": evidence.bend, "jerk": evidence.jerk}
    found = [*_beside(of, measures[of["measure"]])]
    lines = [f"{said}: {_times(ratio)} {of['counts']}." for said, ratio in found]
    if any(ratio.interval.low > 1 for _, ratio in found):
        return REFUTED, lines
    return (SUPPORTED if all(ratio.interval.high < 1 for _, ratio in found) else OPEN), lines


def _in_time(evidence: Evidence, of: Question) -> tuple[str, list[str]]:
    """Whether almost all re-plans of the `conditions` take no longer than `limit_ms`."""
    lines, shares = [], []
    for asked in map(Asked.named, of["conditions"]):
        taken = evidence.replan_ms(asked)
        if taken:
            p50, p95 = np.percentile(taken, [50, 95])
            within = sum(ms <= of["limit_ms"] for ms in taken)
            share = clopper_pearson(within, len(taken))
            shares.append(share)
            lines.append(
                f"{asked.policy}, {asked.count}, eyes and prefix included: p50 {p50:.1f} ms, p95 "
                f"{p95:.1f} ms; {within} of {len(taken)} re-plans within {of['limit_ms']:.0f} ms "
                f"{percents(share)} %, one thread."
            )
    if any(share.high < WITHIN for share in shares):
        return REFUTED, lines
    return (SUPPORTED if all(share.low > WITHIN for share in shares) else OPEN), lines


JUDGES: dict[str, Callable[[Evidence, Question], tuple[str, list[str]]]] = {
    "needs fewer steps": _fewer_steps,
    "as good": _as_good,
    "better by far": _better_by_far,
    "smaller": _smaller,
    "in time": _in_time,
}


def _beside(of: Question, ask: Callable[[Asked, Asked], T | None]) -> Iterator[tuple[str, T]]:
    """Yield how each pair is called and what it gave, of those that were measured."""
    for pair in of["pairs"]:
        for first in map(Asked.named, pair["first"]):
            for second in map(Asked.named, pair["second"]):
                result = ask(first, second)
                if result is not None:
                    yield of["line"].format(first=first, second=second), result


def _points(result: Paired) -> str:
    return f"{difference(result)} (n = {result.n}, exact McNemar p = {result.p:.2g})"


def _times(ratio: Ratio) -> str:
    low, high = ratio.interval.low, ratio.interval.high
    return f"{ratio.value:.2f} [{low:.2f}, {high:.2f}], n = {ratio.n}"
