"""One run as what the page shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pi0bench.report import trainings_table
from pi0bench.report.headline_table import FAULTS, Headline, Line, evaluations, milliseconds, rate
from pi0bench.report.html.methods_section import method
from pi0bench.report.html.video_gallery import Fault, Gallery, data_uri, faults, gallery
from pi0bench.report.number_format import plain
from pi0bench.report.over_trainings import Trained
from pi0bench.report.run_files import FIGURES
from pi0bench.report.run_report import RunReport
from pi0bench.report.success_rows import Row


@dataclass(frozen=True)
class Bar:
    """A rate with its interval, all in per cent.

    Attributes:
        label: whose it is.
        best: whether it is among the best.
        rate: success rate.
        low: lower end of its interval.
        high: upper end.
        text: the numbers that it rests on.
    """

    label: str
    best: bool
    rate: float
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Split:
    """Where the milliseconds of a re-plan go.

    Attributes:
        label: the condition.
        parts: a share of the longest re-plan, in per cent: eyes, prefix, all evaluations.
        eyes: milliseconds, as text; so are the next.
        prefix: on the prefix.
        each: on one evaluation.
        evaluations: of a re-plan.
        total: median of the whole.
    """

    label: str
    parts: tuple[float, float, float]
    eyes: str
    prefix: str
    each: str
    evaluations: str
    total: str


@dataclass(frozen=True)
class HeadRow:
    """A condition of the headline table, as text, its bar, and the group that begins with it."""

    who: tuple[str, ...]
    evaluations: str
    milliseconds: str
    n: int
    faults: int
    rate: str
    bar: Bar
    first: bool
    above: str


@dataclass(frozen=True)
class Trainings:
    """Policies over their trainings, as text: columns, rows, and what they rest on."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str


@dataclass(frozen=True)
class Picture:
    """A figure: its heading, what it shows to who cannot see it, and its data URI."""

    title: str
    alt: str
    uri: str


@dataclass(frozen=True)
class Section:
    """A run, ready for the page; a part is empty where the run has nothing to say of it."""

    anchor: str
    title: str
    world: str
    folder: str
    files: tuple[str, ...]
    headline: Headline
    rows: tuple[HeadRow, ...]
    trainings: Trainings | None
    tasks: dict[str, list[Bar]]
    splits: tuple[Split, ...]
    verdicts: Sequence[str]
    pictures: Sequence[Picture]
    faults: Sequence[Fault]
    gallery: Gallery
    method: Sequence[str]
    weights: dict[str, str]
    command: str
    footer: Sequence[str]


def section(
    root: Path, read: RunReport, files: Mapping[str, bytes], most_bytes: int, name: str = ""
) -> Section:
    """Return what the page shows of the run in `root`.

    Args:
        root: where its videos are.
        read: its report.
        files: its tables and figure by name.
        most_bytes: of video.
        name: sets it apart from other runs.
    """
    lines, said = read.headline.lines, read.manifest["settings"]
    return Section(
        anchor=f"run-{name}" if name else "run",
        title=name or _title(read),
        world=f"{said['engine']} / {said['renderer']}",
        folder=f"{name}/" if name else "",
        files=tuple(sorted(files)),
        headline=read.headline,
        rows=tuple(
            _head_row(line, lines[i - 1] if i else None, read.headline.above[i])
            for i, line in enumerate(lines)
        ),
        trainings=_trainings(read.trained),
        tasks=_tasks(read.headline),
        splits=_splits(lines),
        verdicts=read.sentences,
        pictures=[
            Picture(of.title, of.alt, data_uri("image/png", files[name]))
            for name, of in FIGURES.items()
            if name in files
        ],
        faults=faults(read.records),
        gallery=gallery(root, read.records, most_bytes),
        method=method(read),
        weights=dict(sorted(read.manifest.get("weights", {}).items())),
        command=str(read.manifest.get("command", "")),
        footer=read.footer,
    )


def _trainings(found: Sequence[Trained]) -> Trainings | None:
    if not found:
        return None
    rows = [trainings_table.cells(of) for of in found]
    return Trainings(trainings_table.NAMES, rows, trainings_table.note(found))


def _title(read: RunReport) -> str:
    policies = sorted({record.cell.policy for record in read.records})
    tasks = len({record.cell.task for record in read.records})
    who = ", ".join(policies[:4]) + (f" and {len(policies) - 4} more" if policies[4:] else "")
    return f"{who} on {tasks} task{'s' * (tasks != 1)}"


def _head_row(line: Line, before: Line | None, above: str) -> HeadRow:
    return HeadRow(
        who=line.who,
        evaluations=evaluations(line),
        milliseconds=milliseconds(line),
        n=line.total.n,
        faults=line.total.faults,
        rate=rate(line.total),
        bar=_bar("", line.best, line.total),
        first=before is None or before.who[:-1] != line.who[:-1],
        above=above,
    )


def _bar(label: str, best: bool, row: Row) -> Bar:
    low, high = 100 * row.interval.low, 100 * row.interval.high
    text = f"{row.successes}/{row.n}" + (f", {FAULTS}: {row.faults}" if row.faults else "")
    return Bar(label, best, round(100 * (row.rate or 0.0), 2), round(low, 2), round(high, 2), text)


def _tasks(head: Headline) -> dict[str, list[Bar]]:
    """Bars by task; with a single condition one group, of the tasks."""
    if len(head.tasks) < 2:
        return {}
    bars = [(line, row) for line in head.lines for row in line.profile.tasks if row.n]
    if len(head.lines) == 1:
        return {"": [_bar(row.task, False, row) for _, row in bars]}
    return {
        task: [_bar(line.label, line.best, row) for line, row in bars if row.task == task]
        for task in head.tasks
    }


def _splits(lines: Sequence[Line]) -> tuple[Split, ...]:
    found = []
    for line in lines:
        profile, count = line.profile, line.total.evaluations
        known = (profile.eyes_ms, profile.prefix_ms, profile.each_ms)
        if line.total.replan_ms is None or count is None or None in known:
            continue
        eyes, prefix, each = (ms or 0.0 for ms in known)
        found.append((line, (eyes, prefix, each * count), each))
    longest = max((sum(parts) for _, parts, _ in found), default=0.0) or 1.0
    return tuple(
        Split(
            label=line.label,
            parts=(
                round(100 * parts[0] / longest, 2),
                round(100 * parts[1] / longest, 2),
                round(100 * parts[2] / longest, 2),
            ),
            eyes=f"{parts[0]:.1f}",
            prefix=f"{parts[1]:.1f}",
            each=f"{each:.2f}",
            evaluations=plain(line.total.evaluations, 1),
            total=milliseconds(line),
        )
        for line, parts, each in found
    )
