"""How a run was measured, as paragraphs for a paper's section on experiments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pi0bench.records.manifest import plan
from pi0bench.records.record import NOMINAL, Record
from pi0bench.report.competing_policies import outside
from pi0bench.report.run_report import RunReport

_ENGINES = {"mujoco": "MuJoCo", "pybullet": "PyBullet"}
_RENDERERS = {"gl": "MuJoCo's OpenGL renderer", "tiny": "PyBullet's TinyRenderer"}


def method(read: RunReport) -> list[str]:
    """Return the paragraphs: what was measured, and the statistics with their sources."""
    return [_measured(read), _statistics(read)]


def executed(records: Iterable[Record]) -> dict[str, int]:
    """Return the control steps between two re-plans, by policy, where all its episodes agree."""
    spans: dict[str, set[int]] = {}
    for record in records:
        if record.final and record.replans:
            length, replans = record.length, record.replans
            # So many re-plans of equal length, the last of which may be cut short.
            fitting = {k for k in range(1, length + 1) if -(-length // k) == replans}
            policy = record.cell.policy
            spans[policy] = spans.get(policy, fitting) & fitting
    return {policy: span.pop() for policy, span in spans.items() if len(span) == 1}


def _measured(read: RunReport) -> str:
    said, versions = read.manifest["settings"], read.manifest["versions"]
    tasks = sorted({record.cell.task for record in read.records})
    policies = sorted({record.cell.policy for record in read.records})
    steps = sorted({record.cell.steps for record in read.records} - {0})
    n = sum(record.final for record in read.records)
    parts = [
        f"We measured {_list(policies)} on {_count(len(tasks), 'task')} of pi0bench "
        f"{versions.get('pi0bench', '')} ({', '.join(tasks)}), {n} episodes in all, in "
        f"{_engine(said['engine'], versions)} with pictures drawn by "
        f"{_RENDERERS.get(said['renderer'], said['renderer'])}.",
        f"Each policy started from the same {plan(read.manifest).episodes} start states of each "
        f"task (seed {said['seed']}) and drew the same noise at every step count, so that all "
        "comparisons are paired.",
    ]
    if not read.analysis.fixed:
        parts.append(_stopping(read.manifest))
    if steps:
        parts.append(f"Samplers took {_list(map(str, steps))} step{'s' * (steps != [1])}.")
    varied = [name for name in said.get("variations", []) if name != NOMINAL]
    if varied:
        parts.append(f"Beside the nominal tasks: {', '.join(varied)}.")
    parts += _chunks(read.records)
    faults = sum(record.status == "policy_fault" for record in read.records)
    parts.append(
        "An episode succeeds when the task's goal holds at its end; a policy's fault counts as a "
        f"failure ({faults} here), and nothing else that goes wrong enters n."
    )
    return " ".join(parts)


def _stopping(manifest: Mapping[str, Any]) -> str:
    asked, done = manifest["settings"]["episodes"], plan(manifest).episodes
    ended = (
        f"stopped after {done} of {asked}" if "stopped" in manifest else f"went on to all {done}"
    )
    return (
        "The run looked at its results on the way, to stop as soon as every condition was shown to "
        f"differ from the first one named (e-values; Ville, 1939); it {ended} episodes a task."
    )


def _chunks(records: Iterable[Record]) -> list[str]:
    spans: dict[int, list[str]] = {}
    for policy, span in sorted(executed(records).items()):
        spans.setdefault(span, []).append(policy)
    if not spans:
        return []
    if len(spans) == 1:
        [span] = spans
        return [f"A policy re-planned after {_count(span, 'control step')} of a chunk of actions."]
    each = [f"{_list(names)} after {span}" for span, names in sorted(spans.items())]
    return [f"Control steps of a chunk executed before re-planning: {'; '.join(each)}."] * bool(
        each
    )


def _statistics(read: RunReport) -> str:
    rates, best, enough = read.analysis.method
    parts = [rates]
    if read.headline.notes:
        parts.append(f"{best}{_outside(read)}.")
    if read.verdicts:
        parts.append(enough)
    if any(row.replan_ms for row in read.rows):
        machine = read.manifest["machine"]
        parts.append(
            "Latency is the median time of one robot's first re-plan in each episode, on one "
            f"thread of {machine['processor']} ({machine['system']})."
        )
    parts.append(
        "One training of each policy stands behind every number: intervals speak of these weights "
        "and not of other seeds of training."
    )
    return " ".join(parts)


def _outside(read: RunReport) -> str:
    lines = read.headline.lines
    named = outside((line.profile.condition.policy, line.total.role) for line in lines)
    return f"; {named} stand outside the comparison" if named else ""


def _engine(name: str, versions: Mapping[str, Any]) -> str:
    return f"{_ENGINES.get(name, name)} {versions.get(name, '')}".strip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _list(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
